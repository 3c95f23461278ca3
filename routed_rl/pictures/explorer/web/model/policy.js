// What a policy would do with the agent in every cell, the targets staying where they are.

import { Network } from "./network.js";
import { likeliestAction } from "./random.js";
import { Tables } from "./tables.js";
import { readTensors } from "./tensors.js";
import { MOVES, World } from "./world.js";

const REMEMBERED = 48; // Fields of expert logits that are kept, so that the dial needs no network.

/** A policy of the page, at every stage of its training. */
export class Policy {
  /** @param {PolicyRecord} record */
  constructor(record) {
    this.record = record;
    this.name = record.name;
    this.facts = record.facts;
    this.world = new World(record.world);
    this.experts = record.experts;
    this.gate = record.gate;
    this.deploy = record.deploy;
    this.ends = record.ends;
    this.stages = record.stages;
    this.leftOut = record.leftOut;
    this.computers = new Map();
    this.fields = new Map();
  }

  get several() {
    return this.experts.length > 1;
  }

  /** The network or the tables of a stage, decoded when first needed.
   * @type {(stage: number) => Computer} */
  computer(stage) {
    if (!this.computers.has(stage)) {
      const tensors = readTensors(this.record.tensors, this.stages[stage].numbers);
      const Kind = this.record.form === "weights" ? Network : Tables;
      this.computers.set(stage, new Kind(this.record, tensors));
    }
    return this.computers.get(stage);
  }

  /** The logits of each expert and the gate's weights in every cell but the targets'.
   * Both are null in a target's cell.
   * @type {(stage: number, targets: Targets) => (Place | null)[]} */
  field(stage, targets) {
    const { diamond, ghost, watched } = targets;
    const key = [stage, diamond, ghost, +watched.diamond, +watched.ghost].join();
    if (!this.fields.has(key)) {
      if (this.fields.size >= REMEMBERED) this.fields.delete(this.fields.keys().next().value);
      this.fields.set(key, this.computeField(stage, targets));
    }
    return this.fields.get(key);
  }

  /** @type {(stage: number, targets: Targets) => (Place | null)[]} */
  computeField(stage, targets) {
    const computer = this.computer(stage);
    return Array.from({ length: this.world.cells }, (_, cell) => {
      if (cell === targets.diamond || cell === targets.ghost) return null;
      const { experts, gate } = computer.logits(cell, targets, this.world);
      // The last expert's gate logit is fixed at 0.
      return { experts, gate: softmax([...gate, 0]) };
    });
  }

  /** Action probabilities and the experts' weights in every cell, for somebody who acts.
   * @type {(actor: Actor, targets: Targets) => Acting} */
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

/** Each expert's weight in a cell. In the middle the dial leaves the choice to the gate, at an end
 * to one expert, and between them it mixes the two. A fixed dial overrides the gate everywhere.
 * @type {(steering: Steering, gate: number[]) => number[]} */
export function steeredWeights({ dial, fixed, ends }, gate) {
  const [left, right] = ends;
  if (gate.length === 1) return [1];
  const weights = gate.map((weight) => (fixed ? 0 : (1 - Math.abs(dial)) * weight));
  if (fixed) {
    weights[left] = (1 - dial) / 2;
    weights[right] = (1 + dial) / 2;
  } else {
    weights[dial < 0 ? left : right] += Math.abs(dial);
  }
  return weights;
}

/** Numbers as probabilities; the largest is taken off first, so that none overflows.
 * @type {(logits: ArrayLike<number>) => number[]} */
function softmax(logits) {
  const largest = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** The probabilities with which the likeliest action is taken: 1 for it, 0 for the others.
 * @type {(probabilities: Doubles) => Doubles} */
export function greedy(probabilities) {
  const chosen = new Float64Array(probabilities.length);
  for (let start = 0; start < chosen.length; start += MOVES.length) {
    chosen[start + likeliestAction(probabilities, start, MOVES.length)] = 1;
  }
  return chosen;
}
