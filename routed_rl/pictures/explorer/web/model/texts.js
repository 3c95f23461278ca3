// How numbers are written: as routed_rl/charts/text.py writes them on every other page.

/** A figure with so many decimals; what is rounded to nothing has no sign.
 * @type {(value: number, decimals?: number) => string} */
export const numberText = (value, decimals = 3) =>
  value.toFixed(decimals).replace(/^-(?=0(\.0*)?$)/, "").replace("-", "\u2212");

/** A share of 1 in percent. @type {(share: number, decimals?: number) => string} */
export const percentText = (share, decimals = 1) => `${numberText(100 * share, decimals)}%`;

/** A word with a capital letter. @type {(word: string) => string} */
export const capital = (word) => word[0].toUpperCase() + word.slice(1);
