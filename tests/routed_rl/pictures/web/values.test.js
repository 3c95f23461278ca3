import assert from "node:assert/strict";
import test from "node:test";
import { meanValues, startValues, valuesAt } from "#web/model/values.js";
import { World } from "#web/model/world.js";

// A corridor: the ghost in cell 0, the diamond in cell 3. Actions: up, right, down, left.
const corridor = (maxSteps) => new World({ rows: 1, cols: 4, maxSteps, hidden: false, spurious: false });
const targets = { diamond: 3, ghost: 0, watched: { diamond: false, ghost: false } };
const everywhere = (probabilities) => Float64Array.from([0, 1, 2, 3].flatMap(() => probabilities));

test("who always goes right reaches the diamond", () => {
  const values = startValues(corridor(3), 0.5, targets, everywhere([0, 1, 0, 0]));
  assert.deepEqual(valuesAt(values, 1), { diamond: 1, ghost: 0, timeout: 0, return: 0.5, steps: 2 });
  assert.deepEqual(valuesAt(values, 2), { diamond: 1, ghost: 0, timeout: 0, return: 1, steps: 1 });
  assert.ok(Number.isNaN(values.return[0]) && Number.isNaN(values.steps[3]));
  assert.deepEqual(meanValues(values), { diamond: 1, ghost: 0, timeout: 0, return: 0.75, steps: 1.5 });
});

test("who is too slow runs out of time", () => {
  const values = startValues(corridor(1), 0.5, targets, everywhere([0, 1, 0, 0]));
  assert.deepEqual(valuesAt(values, 1), { diamond: 0, ghost: 0, timeout: 1, return: 0, steps: 1 });
});

test("chance is summed over every path", () => {
  const values = startValues(corridor(2), 0.5, targets, everywhere([0, 0.75, 0, 0.25]));
  // From cell 1: left at once 1/4; right, right 9/16; right, left 3/16 ends in the middle.
  assert.deepEqual(valuesAt(values, 1), {
    diamond: 9 / 16,
    ghost: 1 / 4,
    timeout: 3 / 16,
    return: 0.5 * (9 / 16) - 1 / 4,
    steps: 1.75,
  });
});
