export type Dimension = 'count' | 'length' | 'mass' | 'time' | 'volume' | 'energy' | 'data';

interface Definition {
  dimension: Dimension;
  /** One of this unit is `numerator / denominator` of the dimension's base unit, exactly. */
  numerator: bigint;
  denominator: bigint;
}

const unit = (dimension: Dimension, numerator: bigint, denominator = 1n): Definition => ({
  dimension,
  numerator,
  denominator,
});

/** Exact by definition: the SI prefixes, and the international inch, pound and gallon of 1959 (and 1824). */
export const UNITS = {
  piece: unit('count', 1n),
  dozen: unit('count', 12n),
  mm: unit('length', 1n, 1000n),
  cm: unit('length', 1n, 100n),
  m: unit('length', 1n),
  km: unit('length', 1000n),
  in: unit('length', 254n, 10_000n),
  ft: unit('length', 3048n, 10_000n),
  mi: unit('length', 1_609_344n, 1000n),
  g: unit('mass', 1n, 1000n),
  kg: unit('mass', 1n),
  t: unit('mass', 1000n),
  lb: unit('mass', 45_359_237n, 100_000_000n),
  oz: unit('mass', 45_359_237n, 1_600_000_000n),
  s: unit('time', 1n),
  min: unit('time', 60n),
  h: unit('time', 3600n),
  d: unit('time', 86_400n),
  ml: unit('volume', 1n, 1000n),
  l: unit('volume', 1n),
  m3: unit('volume', 1000n),
  gal: unit('volume', 3_785_411_784n, 1_000_000_000n),
  J: unit('energy', 1n),
  kJ: unit('energy', 1000n),
  kWh: unit('energy', 3_600_000n),
  MWh: unit('energy', 3_600_000_000n),
  B: unit('data', 1n),
  kB: unit('data', 1000n),
  MB: unit('data', 1_000_000n),
  GB: unit('data', 1_000_000_000n),
  KiB: unit('data', 1024n),
  MiB: unit('data', 1024n ** 2n),
  GiB: unit('data', 1024n ** 3n),
} satisfies Record<string, Definition>;

export type Unit = keyof typeof UNITS;

export function isUnit(name: string): name is Unit {
  return Object.hasOwn(UNITS, name);
}

export function dimensionOf(name: Unit): Dimension {
  return UNITS[name].dimension;
}
