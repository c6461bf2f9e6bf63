/** Eight packages, five deep, with two that many need and one that needs nearly all. */
export const PACKAGES: Record<string, string[]> = {
  units: [],
  logger: [],
  clock: [],
  money: ['units'],
  tax: ['money', 'units'],
  invoice: ['tax', 'logger'],
  journal: ['logger', 'clock'],
  shop: ['invoice', 'journal'],
};
