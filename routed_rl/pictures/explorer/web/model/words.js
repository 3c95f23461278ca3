// Numbers and names as people read them.

/** A share of 1 as people read it. @type {(share: number) => string} */
export const percent = (share) => `${(100 * share).toFixed(1)}%`;

/** A word with a capital letter. @type {(word: string) => string} */
export const capital = (word) => word[0].toUpperCase() + word.slice(1);
