// How numbers are written: as routed_rl/charts/text.py writes them on every other page.

/** A figure with so many decimals. @type {(value: number, decimals?: number) => string} */
export const numberText = (value, decimals = 3) => value.toFixed(decimals).replace("-", "\u2212");

/** A share of 1 in percent. @type {(share: number, decimals?: number) => string} */
export const percentText = (share, decimals = 1) => `${numberText(100 * share, decimals)}%`;
