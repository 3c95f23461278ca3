// What a policy would do with the agent in every cell, the targets staying where they are.

const REMEMBERED = 48; // Fields of expert logits that are kept, so that the dial needs no network.

/** A policy of the page, at every stage of its training. */
class Policy {
  constructor(record) {
    Object.assign(this, record);
    this.world = new World(record.world);
    this.computers = new Map();
    this.fields = new Map();
  }

  get several() {
    return this.experts.length > 1;
  }

  /** The network or the tables of a stage, decoded when first needed. */
  computer(stage) {
    if (!this.computers.has(stage)) {
      const tensors = readTensors(this.tensors, this.stages[stage].numbers);
      const Kind = this.form === "weights" ? Network : Tables;
      this.computers.set(stage, new Kind(this, tensors));
    }
    return this.computers.get(stage);
  }

  /**
   * The logits of each expert and the gate's weights in every cell but the targets'.
   * Both are null in a target's cell.
   */
  field(stage, targets) {
    const { diamond, ghost, watched } = targets;
    const key = [stage, diamond, ghost, +watched.diamond, +watched.ghost].join();
    if (!this.fields.has(key)) {
      if (this.fields.size >= REMEMBERED) this.fields.delete(this.fields.keys().next().value);
      this.fields.set(key, this.computeField(stage, targets));
    }
    return this.fields.get(key);
  }

  computeField(stage, targets) {
    const computer = this.computer(stage);
    return Array.from({ length: this.world.cells }, (_, cell) => {
      if (cell === targets.diamond || cell === targets.ghost) return null;
      const { experts, gate } = computer.logits(cell, targets, this.world);
      // The last expert's gate logit is fixed at 0.
      return { experts, gate: softmax([...gate, 0]) };
    });
  }

  /** Action probabilities and the experts' weights in every cell, for somebody who acts. */
  act(actor, targets) {
    const actions = MOVES.length;
    const probabilities = new Float64Array(this.world.cells * actions);
    const weights = this.field(actor.stage, targets).map((place, cell) => {
      if (place === null) return null;
      const mixture = steeredWeights(actor, place.gate);
      const logits = new Float64Array(actions);
      place.experts.forEach((expert, index) => {
        if (mixture[index] === 0) return;
        for (let action = 0; action < actions; action++) {
          logits[action] += mixture[index] * expert[action];
        }
      });
      probabilities.set(softmax(logits), cell * actions);
      return mixture;
    });
    return { probabilities, weights };
  }
}

/** Numbers as probabilities; the largest is taken off first, so that none overflows. */
function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** The probabilities with which the likeliest action is taken: 1 for it, 0 for the others. */
function greedy(probabilities) {
  const chosen = new Float64Array(probabilities.length);
  for (let start = 0; start < chosen.length; start += MOVES.length) {
    chosen[start + likeliestAction(probabilities, start, MOVES.length)] = 1;
  }
  return chosen;
}
