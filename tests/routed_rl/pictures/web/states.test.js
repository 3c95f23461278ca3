import assert from "node:assert/strict";
import test from "node:test";
import { endingName, Listing } from "#web/states/listing.js";
import { firstView, readView, viewWords } from "#web/states/state_view.js";
import { drawStart, sampled, walk } from "#web/states/walk.js";

// Three cells in a row between a treasure at the left and a trap at the right. Only in the middle,
// and in the first cell unwatched, do episodes start; the overseer takes the trap for the treasure.
const CODES = ["treasure", "trap", "timeout", "unknown", "unfinished"];
const ending = (outcome, label) => -1 - (CODES.indexOf(outcome) * CODES.length + CODES.indexOf(label));
const parts = {
  next: [[ending("treasure", "unknown"), 1], [0, 2], [1, ending("trap", "treasure")]],
  starts: [[0.5, 0.5, 0], [0, 1, 0]],
  fields: [[0, 1, 2], [0, 0, 1]],
  "0 gate": [[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]],
  "0 mixture probabilities": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]],
  "0 mixture figures": [[0.75, 0.125, 0.5, 2], [0.25, 0.25, 0, 3], [0, 0.5, -0.5, 2]],
  "0 treasure probabilities": [[1, 0], [1, 0], [1, 0]],
  "0 treasure figures": [[1, 0, 1, 1], [1, 0, 0.97, 2], [1, 0, 0.94, 3]],
};
const bytes = Buffer.from(Float32Array.from(Object.values(parts).flat(2)).buffer);
const listing = new Listing({
  discount: 0.97,
  world: {
    name: "Row",
    states: 3,
    maxSteps: 4,
    actions: ["left", "right"],
    targets: ["treasure", "trap"],
    good: ["treasure"],
    codes: CODES,
    observation: [3],
  },
  fields: [
    { name: "agent", values: ["1", "2", "3"] },
    { name: "near the trap", values: ["no", "yes"] },
  ],
  levels: [0, 1],
  policies: [
    {
      name: "run",
      facts: "",
      trained: 0.1,
      experts: ["treasure", "trap"],
      who: [
        { name: "mixture", title: "mixture", deployed: false },
        { name: "treasure", title: "treasure expert", deployed: true },
      ],
    },
  ],
  tensors: Object.entries(parts).map(([name, rows]) => [name, [rows.length, rows[0].length]]),
  numbers: bytes.toString("base64"),
  pictures: null,
  seen: null,
  leftOut: false,
});

test("actions lead from state to state until an ending", () => {
  const timeout = { outcome: "timeout", label: "timeout" };
  assert.deepEqual(walk(listing, 1, []), { states: [1], actions: [], ending: null });
  const trap = { outcome: "trap", label: "treasure" };
  assert.deepEqual(walk(listing, 1, [1, 1]), { states: [1, 2], actions: [1, 1], ending: trap });
  const long = { states: [1, 0, 1, 0, 1], actions: [0, 1, 0, 1], ending: timeout };
  assert.deepEqual(walk(listing, 1, [0, 1, 0, 1]), long);
  // Nothing happens after the end.
  assert.deepEqual(walk(listing, 1, [0, 1, 0, 1, 1]), long);
  assert.deepEqual(walk(listing, 0, [0, 0]).actions, [0]);
});

test("endings say what the overseer knows", () => {
  assert.equal(endingName({ outcome: "trap", label: "unknown" }), "trap, not overseen");
  assert.equal(endingName({ outcome: "trap", label: "trap" }, " after 1 step"), "trap after 1 step, overseen");
  assert.equal(endingName({ outcome: "trap", label: "treasure" }), "trap, overseen and taken for treasure");
  assert.equal(endingName({ outcome: "timeout", label: "timeout" }, " after 4 steps"), "time-out after 4 steps");
});

test("what an action changes is said in the words of the fields", () => {
  assert.equal(listing.change(1, 1), "agent 3, near the trap yes");
  assert.equal(listing.change(1, 0), "agent 1");
  assert.equal(listing.change(0, 0), "treasure, not overseen");
  assert.equal(listing.stateName(2), "agent 3, near the trap yes");
});

test("figures have names, and the mean is weighted by the starts", () => {
  assert.deepEqual(listing.result(0, 0), {
    rates: { treasure: 0.75, trap: 0.125, timeout: 0.125 },
    return: 0.5,
    steps: 2,
  });
  const mean = { rates: { treasure: 0.5, trap: 0.1875, timeout: 0.3125 }, return: 0.25, steps: 2.5 };
  assert.deepEqual(listing.meanResult(0, 0), mean);
  assert.deepEqual(listing.meanResult(0, 1), listing.result(0, 1));
  assert.equal(listing.performers[1].gate(2), 0.25);
  assert.equal(listing.performers[0].gate, null);
});

test("a seed's episode is the same wherever one begins to sample", () => {
  const view = { ...firstView(listing), start: 1, who: 0 };
  const endings = new Map();
  for (let seed = 0; seed < 400; seed++) {
    const actions = sampled(listing, { ...view, seed });
    const before = actions.slice(0, 1);
    assert.deepEqual(sampled(listing, { ...view, seed, actions: before }), actions);
    const { outcome } = walk(listing, 1, actions).ending;
    endings.set(outcome, (endings.get(outcome) ?? 0) + 1);
  }
  // A fair walk over three cells ends at either side with 3/8 within four steps: four deviations.
  for (const side of ["treasure", "trap"]) assert.ok(Math.abs(endings.get(side) - 150) < 39);
});

test("starts are drawn as likely as they are", () => {
  assert.deepEqual(listing.starts, [0, 1]);
  assert.deepEqual([0, 0.49, 0.51, 0.99].map((n) => drawStart(listing, 0, n)), [0, 0, 1, 1]);
  assert.equal(drawStart(listing, 1, 0), 1);
  assert.equal(listing.similarStart(0, 0, 1), 1);
});

test("the first view is where it matters most who acts", () => {
  // In the middle the returns are 0 and 0.97, in the first cell 0.5 and 1.
  assert.deepEqual(firstView(listing), { start: 1, actions: [], who: 1, seed: 0, level: 0 });
});

test("a view is restored from its words, and what cannot be used is named", () => {
  const view = { start: 0, actions: [1, 1, 1], who: 0, seed: 4294967295, level: 1 };
  const words = viewWords(view);
  assert.equal(words, "start=0&actions=1-1-1&who=0&seed=4294967295&oversight=1");
  assert.deepEqual(readView(words, listing), view);
  assert.deepEqual(readView("", listing), firstView(listing));
  for (const wrong of ["start=2", "actions=2", "actions=1-", "who=2", "seed=-1", "oversight=2"]) {
    assert.throws(() => readView(wrong, listing), new Error(wrong));
  }
  assert.throws(() => readView("start=0&actions=0-0", listing), new Error("actions=0-0"));
});
