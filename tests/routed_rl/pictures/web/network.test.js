import assert from "node:assert/strict";
import test from "node:test";
import { Network } from "#web/model/network.js";
import { Tables, tableRow } from "#web/model/tables.js";
import { readTensors, tensorNamed } from "#web/model/tensors.js";
import { World } from "#web/model/world.js";

const settings = { rows: 1, cols: 3, maxSteps: 32, hidden: false, spurious: false };
const world = new World(settings);
const targets = { diamond: 2, ghost: 1, watched: { diamond: true, ghost: false } };

/** The tensors of parts that are given as shapes and numbers. */
function tensorsOf(parts) {
  const numbers = Float32Array.from(Object.values(parts).flatMap(([, values]) => values));
  const text = Buffer.from(numbers.buffer).toString("base64");
  return readTensors(Object.entries(parts).map(([name, [shape]]) => [name, shape]), text);
}

/** As many numbers: 0, but for those that are named by their place. */
const sparse = (count, some = {}) => Array.from({ length: count }, (_, place) => some[place] ?? 0);

// The observation is 1 in the places 0 (agent), 4 (ghost), 8 (diamond) and 11 (its oversight).
const expert = {
  "experts.only.0.weight": [[2, 12], sparse(24, { 0: 1, 4: 2, 11: 3, 1: 99, 12: -4, 20: 1 })],
  "experts.only.0.bias": [[2], [0.5, 0.25]],
  "head.weight": [[4, 2], [1, 0, 2, 0, 0, 1, -1, 5]],
  "head.bias": [[4], [0, 1, 2, 3]],
};

test("numbers are little-endian float32, in the order of the parts", () => {
  const tensors = tensorsOf({ first: [[2, 1], [1.5, -2]], second: [[1], [3]] });
  assert.deepEqual([...tensorNamed(tensors, "first").values], [1.5, -2]);
  assert.deepEqual(tensorNamed(tensors, "second").shape, [1]);
  assert.throws(() => tensorNamed(tensors, "third"), /no third/);
});

test("an expert's layers end in a ReLU, and the head follows", () => {
  const network = new Network({ experts: ["only"], gate: "none" }, tensorsOf(expert));
  const { experts, gate } = network.logits(0, targets, world);
  // Sums: 1 + 2 + 3 + 0.5 = 6.5, and -4 + 1 + 0.25, which the ReLU takes away.
  assert.deepEqual([...experts[0]], [6.5, 14, 2, -3.5]);
  assert.equal(gate.length, 0);
});

test("the gate's convolution is folded into the layer after it, and no ReLU ends it", () => {
  const parts = {
    ...expert,
    "experts.other.0.weight": [[2, 12], sparse(24)],
    "experts.other.0.bias": [[2], [1, 1]],
    "gate.convolution.weight": [[2, 4, 1], [1, 2, 3, 4, 0, 0, 0, -1]],
    "gate.convolution.bias": [[2], [0.5, 0.125]],
    "gate.layers.0.weight": [[1, 6], [1, 10, 100, -1, 0, -8]],
    "gate.layers.0.bias": [[1], [-800]],
  };
  const network = new Network({ experts: ["only", "other"], gate: "learned" }, tensorsOf(parts));
  const { experts, gate } = network.logits(0, targets, world);
  // Cells: 1 + 0.5, 2 + 0.5, 3 + 4 + 0.5 in one channel; 0.125, 0.125, -1 + 0.125 in the other.
  assert.deepEqual([...gate], [1.5 + 25 + 750 - 0.125 + 7 - 800]);
  assert.deepEqual([...experts[1]], [1, 3, 3, 7]);
});

test("more inputs than four are added up as the few are", () => {
  const width = 7;
  const parts = {
    "experts.only.0.weight": [[width, 12], sparse(12 * width)],
    "experts.only.0.bias": [[width], [1, 2, 0, 3, 4, 5, 6]],
    "head.weight": [[1, width], [1, 10, 1e6, 100, 1000, 1e4, 1e5]],
    "head.bias": [[1], [0.5]],
  };
  const network = new Network({ experts: ["only"], gate: "none" }, tensorsOf(parts));
  assert.deepEqual([...network.logits(0, targets, world).experts[0]], [654321.5]);
});

test("a gate that is even has logits of 0", () => {
  const network = new Network({ experts: ["only", "only"], gate: "even" }, tensorsOf(expert));
  assert.deepEqual([...network.logits(0, targets, world).gate], [0]);
});

test("tables are looked up by oversight, agent, ghost, diamond", () => {
  // Six placements; with the diamond overseen come the second six, and agent 0 is first of them.
  assert.equal(tableRow(0, targets, world), 6);
  const swapped = { diamond: 0, ghost: 2, watched: { diamond: false, ghost: true } };
  assert.equal(tableRow(1, swapped, world), 12 + 3);
  assert.equal(tableRow(1, swapped, new World({ ...settings, hidden: true })), 3);
  const rows = Array.from({ length: 24 }, (_, row) => row);
  const tensors = tensorsOf({ "experts.only": [[24, 1], rows], gate: [[24, 1], rows.map((row) => -row)] });
  const found = new Tables({ experts: ["only"] }, tensors).logits(1, swapped, world);
  assert.deepEqual([[...found.experts[0]], [...found.gate]], [[15], [-15]]);
});
