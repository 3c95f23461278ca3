import assert from "node:assert/strict";
import test from "node:test";
import { viewToWords, wordsToView } from "#web/page/link.js";
import { deployedDial, firstView, isDeployed } from "#web/page/view.js";
import { World } from "#web/model/world.js";

const policy = {
  world: new World({ rows: 5, cols: 5, maxSteps: 32, hidden: false, spurious: false }),
  experts: ["diamond", "ghost", "third"],
  several: true,
  deploy: [0.75, 0.25, 0],
  ends: [1, 0],
  stages: [{}, {}, {}],
};

test("a view is restored from its words", () => {
  const view = firstView([policy]);
  assert.deepEqual([view.agent, view.ghost, view.diamond], [17, 16, 4]);
  view.watched.ghost = true;
  Object.assign(view, { agent: 3, greedy: true, seed: 4294967295, cells: "return", compare: false });
  view.actors[1] = { policy: 0, stage: 1, dial: -0.35, fixed: true, ends: [2, 1] };
  const words = viewToWords(view);
  assert.match(words, /^agent=3&diamond=4&ghost=16&watched=ghost&actions=greedy&seed=4294967295/);
  assert.deepEqual(wordsToView(words, [policy]), view);
});

test("what cannot be used is named", () => {
  for (const words of ["agent=25", "seed=1.5", "cells=all", "dial1=2", "ends2=0-3", "stage1=3"]) {
    assert.throws(() => wordsToView(words, [policy]), new Error(words));
  }
  assert.throws(() => wordsToView("agent=4", [policy]), /two pieces on one cell/);
});

test("a deployment stands on the dial", () => {
  assert.deepEqual(deployedDial(policy), { dial: 0.5, fixed: true, ends: [1, 0] });
  assert.ok(isDeployed(policy, { dial: 0.5, fixed: true, ends: [1, 0] }));
  assert.ok(!isDeployed(policy, { dial: 0.5, fixed: false, ends: [1, 0] }));
  const third = { ...policy, deploy: [0, 0, 1] };
  assert.deepEqual(deployedDial(third), { dial: 1, fixed: false, ends: [1, 2] });
  assert.equal(deployedDial({ ...policy, deploy: [0.2, 0.3, 0.5] }), null);
});
