// A policy's tables: the logits of each expert and of the gate for everything it can see.

/** Looks up what a network would compute. */
class Tables {
  constructor(policy, tensors) {
    this.experts = policy.experts.map((name) => tensors.get(`experts.${name}`));
    this.gate = tensors.get("gate") ?? { shape: [0, 0], values: new Float32Array(0) };
  }

  logits(agent, targets, world) {
    const row = tableRow(agent, targets, world);
    return {
      experts: this.experts.map((table) => readRow(table, row)),
      gate: readRow(this.gate, row),
    };
  }
}

/** One row of a table. */
function readRow({ shape, values }, row) {
  return Float64Array.from(values.subarray(row * shape[1], (row + 1) * shape[1]));
}

/** Where an observation stands: by oversight of ghost and diamond, then agent, ghost, diamond. */
function tableRow(agent, { ghost, diamond, watched }, world) {
  const count = world.cells;
  const flags = world.hidden ? 0 : 2 * watched.ghost + Number(watched.diamond);
  const ghostRank = ghost - (agent < ghost);
  const diamondRank = diamond - (agent < diamond) - (ghost < diamond);
  return ((flags * count + agent) * (count - 1) + ghostRank) * (count - 2) + diamondRank;
}
