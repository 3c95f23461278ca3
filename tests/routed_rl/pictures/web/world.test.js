import assert from "node:assert/strict";
import test from "node:test";
import { MOVES, PIECES, World } from "#web/model/world.js";

const settings = { rows: 2, cols: 3, maxSteps: 32, hidden: false, spurious: false };
// 0 1 2
// 3 4 5
const world = new World(settings);

test("moves lead up, right, down, left, and an edge stops them", () => {
  assert.deepEqual([...world.next.slice(4 * MOVES.length, 5 * MOVES.length)], [1, 5, 4, 3]);
  assert.deepEqual([...world.next.slice(0, MOVES.length)], [0, 1, 3, 0]);
  assert.equal(world.neighbour(5, -1, -2), 0);
  assert.equal(world.neighbour(2, 0, 1), null);
});

test("distances are steps, and places are counted from 1", () => {
  assert.equal(world.distance(0, 5), 3);
  assert.equal(world.distance(4, 4), 0);
  assert.equal(world.placeName(5), "row 2, column 3");
});

test("an observation has planes of agent, ghost, diamond and oversight", () => {
  const targets = { diamond: 5, ghost: 1, watched: { diamond: true, ghost: false } };
  assert.deepEqual(world.observe(3, targets), [3, 6 + 1, 12 + 5, 18 + 5]);
  const both = { ...targets, watched: { diamond: true, ghost: true } };
  assert.deepEqual(world.observe(3, both), [3, 7, 17, 23, 19]);
  assert.deepEqual(new World({ ...settings, hidden: true }).observe(3, both), [3, 7, 17]);
  assert.deepEqual(PIECES, ["agent", "diamond", "ghost"]);
});
