export { Decimal, divideRounded } from './decimal.ts';
export type { Rounding } from './decimal.ts';
export { dimensionOf, isUnit, UNITS } from './units.ts';
export type { Dimension, Unit } from './units.ts';
export { DimensionError, InexactError, Quantity, quantity } from './quantity.ts';
