// The words of an address, and the numbers that people write.

/** Keep the page's address at a view. @type {(words: string) => void} */
export function writeAddress(words) {
  try {
    history.replaceState(null, "", `#${words}`);
  } catch {
    location.hash = words; // Where a page from a file may not replace its address.
  }
}

/** A seed that somebody wrote; null if it is none. @type {(text: string) => number | null} */
export function readSeed(text) {
  const seed = Number(text);
  return /^\d+$/.test(text) && seed < 2 ** 32 ? seed : null;
}

/** A number among words, if it is a whole one from 0 to below a limit.
 * @type {(words: URLSearchParams, name: string, limit: number, otherwise: number) => number} */
export function wholeBelow(words, name, limit, otherwise) {
  const text = words.get(name);
  if (text === null) return otherwise;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number >= limit) throw new Error(`${name}=${text}`);
  return number;
}

/** One of several words.
 * @template {string} Word
 * @param {URLSearchParams} words @param {string} name @param {Word[]} allowed
 * @param {Word} otherwise */
export function oneOf(words, name, allowed, otherwise) {
  const text = words.get(name) ?? otherwise;
  const word = allowed.find((one) => one === text);
  if (word === undefined) throw new Error(`${name}=${text}`);
  return word;
}
