import assert from "node:assert/strict";
import test from "node:test";
import {
  drawAction,
  likeliestAction,
  seededNumbers,
} from "#web/model/random.js";

/** The same generator in whole numbers of any size. */
function slowNumbers(seed, count) {
  const cut = (number) => number & 0xffffffffn;
  return Array.from({ length: count }, (_, index) => {
    let bits = cut(BigInt(seed) + BigInt(index + 1) * 0x9e3779b9n);
    bits = cut((bits ^ (bits >> 16n)) * 0x21f0aaadn);
    bits = cut((bits ^ (bits >> 15n)) * 0x735a2d97n);
    return Number(bits ^ (bits >> 15n)) / 2 ** 32;
  });
}

test("a seed decides the numbers", () => {
  for (const seed of [0, 5, 2 ** 32 - 1]) {
    const next = seededNumbers(seed);
    assert.deepEqual(Array.from({ length: 20 }, next), slowNumbers(seed, 20));
  }
  assert.notEqual(seededNumbers(1)(), seededNumbers(2)());
});

test("numbers are even over [0, 1)", () => {
  const next = seededNumbers(3);
  const bins = new Array(10).fill(0);
  for (let index = 0; index < 10000; index++) bins[Math.floor(10 * next())] += 1;
  // Four standard deviations of a bin of 1000.
  for (const count of bins) assert.ok(Math.abs(count - 1000) < 120, bins.join());
});

test("a number draws the action whose share it falls into", () => {
  const probabilities = [9, 9, 0.25, 0.5, 0.25];
  const drawn = [0, 0.24, 0.25, 0.74, 0.75, 0.999].map((n) => drawAction(probabilities, 2, 3, n));
  assert.deepEqual(drawn, [0, 0, 1, 1, 2, 2]);
  assert.equal(drawAction([0.3, 0.3, 0.3], 0, 3, 0.95), 2);
});

test("of equal actions the first is the likeliest", () => {
  assert.equal(likeliestAction([9, 0.1, 0.4, 0.4, 0.1], 1, 4), 1);
});
