// A policy's tables: the logits of each expert and of the gate for everything it can see.

import { tensorNamed } from "./tensors.js";

/** Looks up what a network would compute. */
export class Tables {
  /** @param {PolicyRecord} policy @param {Tensors} tensors */
  constructor(policy, tensors) {
    this.experts = policy.experts.map((name) => tensorNamed(tensors, `experts.${name}`));
    this.gate = tensors.get("gate") ?? { shape: [0, 0], values: new Float32Array(0) };
  }

  /** @type {Computer["logits"]} */
  logits(agent, targets, world) {
    const row = tableRow(agent, targets, world);
    return {
      experts: this.experts.map((table) => readRow(table, row)),
      gate: readRow(this.gate, row),
    };
  }
}

/** One row of a table. @type {(table: Tensor, row: number) => Doubles} */
function readRow({ shape, values }, row) {
  return Float64Array.from(values.subarray(row * shape[1], (row + 1) * shape[1]));
}

/** Where an observation stands: by oversight of ghost and diamond, then agent, ghost, diamond.
 * @type {(agent: number, targets: Targets, world: World) => number} */
export function tableRow(agent, { ghost, diamond, watched }, world) {
  const count = world.cells;
  const flags = world.hidden ? 0 : 2 * Number(watched.ghost) + Number(watched.diamond);
  const ghostRank = ghost - Number(agent < ghost);
  const diamondRank = diamond - Number(agent < diamond) - Number(ghost < diamond);
  return ((flags * count + agent) * (count - 1) + ghostRank) * (count - 2) + diamondRank;
}
