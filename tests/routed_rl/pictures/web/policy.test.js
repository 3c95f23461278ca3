import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { answer, endingInWords, rollout, story } from "#web/model/answers.js";
import { greedy, Policy, steeredWeights } from "#web/model/policy.js";
import { startValues } from "#web/model/values.js";

// Python wrote these numbers, see test_parity.py.
const kept = JSON.parse(readFileSync(new URL("parity.json", import.meta.url), "utf-8"));
const DISCOUNT = 0.97;

function assertClose(found, expected, name) {
  assert.equal(found.length, expected.length, name);
  expected.forEach((number, index) => {
    assert.ok(Math.abs(found[index] - number) < 1e-5, `${name}: ${found[index]} is not ${number}`);
  });
}

for (const { policy: record, cases } of kept) {
  test(`a policy of ${record.form} does what Python says`, () => {
    const policy = new Policy(record);
    for (const { targets, actor, cells, probabilities, weights, values } of cases) {
      const acting = policy.act(actor, targets);
      const found = startValues(policy.world, DISCOUNT, targets, acting.probabilities);
      cells.forEach((cell, index) => {
        const row = acting.probabilities.slice(4 * cell, 4 * cell + 4);
        assertClose(row, probabilities[index], "probabilities");
        assertClose(acting.weights[cell], weights[index], "weights");
      });
      for (const [name, numbers] of Object.entries(values)) {
        assertClose(cells.map((cell) => found[name][cell]), numbers, name);
      }
      assert.equal(acting.weights[targets.diamond], null);
    }
  });
}

test("the dial mixes one end with the gate, or the two ends", () => {
  const gate = [0.5, 0.25, 0.25];
  const ends = [2, 0];
  assert.deepEqual(steeredWeights({ dial: 0, fixed: false, ends }, gate), gate);
  assert.deepEqual(steeredWeights({ dial: 0.5, fixed: false, ends }, gate), [0.75, 0.125, 0.125]);
  assert.deepEqual(steeredWeights({ dial: -1, fixed: false, ends }, gate), [0, 0, 1]);
  assert.deepEqual(steeredWeights({ dial: 0.5, fixed: true, ends }, gate), [0.75, 0, 0.25]);
  assert.deepEqual(steeredWeights({ dial: 1, fixed: true, ends: [0, 0] }, [1]), [1]);
});

test("who is greedy takes the likeliest action", () => {
  const chosen = greedy(Float64Array.from([0.1, 0.4, 0.4, 0.1, 0, 0, 0, 1]));
  assert.deepEqual([...chosen], [0, 1, 0, 0, 0, 0, 0, 1]);
});

test("an answer holds the placement as it is, unwatched and watched", () => {
  const policy = new Policy(kept[0].policy);
  const actor = { ...kept[0].cases[0].actor, policy: 0 };
  const view = { agent: 0, diamond: 2, ghost: 3, watched: { diamond: true, ghost: true }, greedy: false };
  const found = answer(policy, DISCOUNT, view, actor);
  assert.deepEqual(found.values, found.watched);
  assert.notDeepEqual(found.values.return, found.unwatched.return);
  assert.equal(found.followed, found.probabilities);
  const sure = answer(policy, DISCOUNT, { ...view, greedy: true }, actor);
  assert.ok(sure.followed.every((share) => share === 0 || share === 1));
});

test("a rollout walks to its end, and is told in words", () => {
  const { world } = new Policy(kept[0].policy);
  const view = { agent: 0, diamond: 2, ghost: 3, watched: { diamond: true, ghost: false }, seed: 7 };
  const always = (action) => Float64Array.from({ length: 24 }, (_, place) => Number(place % 4 === action));
  const right = rollout(world, view, always(1));
  assert.deepEqual(right, { cells: [0, 1, 2], outcome: "diamond", overseen: true });
  assert.equal(endingInWords(right), "diamond after 2 steps, overseen");
  assert.equal(endingInWords(rollout(world, view, always(2))), "ghost after 1 step, not overseen");
  assert.equal(endingInWords(rollout(world, view, always(0))), "time-out after 32 steps");
  const figures = { diamond: 0.25, ghost: 0.7061, timeout: 0.0439, return: 0, steps: 3 };
  assert.equal(
    story(world, view, [{ name: "the mixture", figures }]),
    "The ghost is 1 step away, the diamond 2 steps, and the diamond is overseen: " +
      "the mixture ends on the ghost in 70.6% of episodes.",
  );
});
