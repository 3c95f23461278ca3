// Random numbers that depend on a seed alone, so that a rollout can be shown again.

/** A function that returns the next number in [0, 1): a counter whose bits are well mixed.
 * @type {(seed: number) => () => number} */
export function seededNumbers(seed) {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let bits = counter;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** The action that a number in [0, 1) draws from probabilities that start at `start`.
 * @type {(probabilities: ArrayLike<number>, start: number, count: number, number: number) => number} */
export function drawAction(probabilities, start, count, number) {
  let sum = 0;
  for (let action = 0; action < count - 1; action++) {
    sum += probabilities[start + action];
    if (number < sum) return action;
  }
  return count - 1; // The last sum may round to less than 1.
}

/** The likeliest action, the first of several that are equal.
 * @type {(probabilities: ArrayLike<number>, start: number, count: number) => number} */
export function likeliestAction(probabilities, start, count) {
  let best = 0;
  for (let action = 1; action < count; action++) {
    if (probabilities[start + action] > probabilities[start + best]) best = action;
  }
  return best;
}
