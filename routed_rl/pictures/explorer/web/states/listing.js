// What the page holds of a world: its states, what follows in them, and those who may act there.

import { readTensors, tensorNamed } from "../model/tensors.js";

export const TIMEOUT = "timeout";

/** Looks up what Python computed. */
export class Listing {
  /** @param {StatesContent} content */
  constructor(content) {
    const tensors = readTensors(content.tensors, content.numbers);
    this.world = content.world;
    this.fields = content.fields;
    this.levels = content.levels;
    this.policies = content.policies;
    this.next = tensorNamed(tensors, "next").values;
    this.codes = tensorNamed(tensors, "fields").values;
    this.chances = tensorNamed(tensors, "starts").values;
    this.outcomes = [...this.world.targets, TIMEOUT];
    this.starts = this.findStarts();
    this.performers = this.policies.flatMap((_, place) => this.performersOf(place, tensors));
  }

  /** The states in which an episode can start, at whatever oversight. */
  findStarts() {
    const { states } = this.world;
    return Array.from({ length: states }, (_, state) => state).filter((state) =>
      this.levels.some((_, level) => this.chances[level * states + state] > 0),
    );
  }

  /** Those who may act by one policy. @type {(place: number, tensors: Tensors) => Performer[]} */
  performersOf(place, tensors) {
    const { name: owner, experts, who } = this.policies[place];
    const gate = tensors.get(`${place} gate`)?.values;
    return who.map(({ name, title, deployed }) => {
      const expert = experts.indexOf(name);
      return {
        title: this.policies.length > 1 ? `${owner}: ${title}` : title,
        deployed,
        probabilities: tensorNamed(tensors, `${place} ${name} probabilities`).values,
        figures: tensorNamed(tensors, `${place} ${name} figures`).values,
        gate: gate && expert >= 0 ? (state) => gate[state * experts.length + expert] : null,
      };
    });
  }

  /** What follows an action, if it is not the last step that the world allows.
   * @type {(state: number, action: number) => Following} */
  follow(state, action) {
    const { actions, codes } = this.world;
    const next = this.next[state * actions.length + action];
    if (next >= 0) return { state: next, ending: null };
    const code = -1 - next;
    const [outcome, label] = [Math.floor(code / codes.length), code % codes.length];
    return { state: null, ending: { outcome: codes[outcome], label: codes[label] } };
  }

  /** How likely somebody takes each action. @type {(who: number, state: number) => number[]} */
  probabilities(who, state) {
    const count = this.world.actions.length;
    return [...this.performers[who].probabilities.subarray(state * count, (state + 1) * count)];
  }

  /** What an episode brings that starts in a state. @type {(who: number, state: number) => Result} */
  result(who, state) {
    const width = this.world.targets.length + 2;
    return this.named(this.performers[who].figures.subarray(state * width, (state + 1) * width));
  }

  /** The same on average over the starts. @type {(who: number, level: number) => Result} */
  meanResult(who, level) {
    const { states, targets } = this.world;
    const sums = new Float64Array(targets.length + 2);
    for (const state of this.starts) {
      const chance = this.chances[level * states + state];
      const start = state * sums.length;
      for (let column = 0; column < sums.length; column++) {
        sums[column] += chance * this.performers[who].figures[start + column];
      }
    }
    return this.named(sums);
  }

  /** Figures by name, and the time-out, which is the rest. @type {(row: ArrayLike<number>) => Result} */
  named(row) {
    const { targets } = this.world;
    const reached = targets.map((_, target) => row[target]);
    const timeout = Math.max(0, 1 - reached.reduce((sum, rate) => sum + rate, 0));
    const rates = [...reached, timeout].map((rate, place) => [this.outcomes[place], rate]);
    const [gained, steps] = [row[targets.length], row[targets.length + 1]];
    return { rates: Object.fromEntries(rates), return: gained, steps };
  }

  /** Which of its values a field has in a state. @type {(field: number, state: number) => number} */
  code(field, state) {
    return this.codes[field * this.world.states + state];
  }

  /** A state in words. @type {(state: number) => string} */
  stateName(state) {
    return this.fields.map((_, field) => this.fieldName(field, state)).join(", ");
  }

  /** @type {(field: number, state: number) => string} */
  fieldName(field, state) {
    const { name, values } = this.fields[field];
    return `${name} ${values[this.code(field, state)]}`;
  }

  /** What an action changes, in words. @type {(state: number, action: number) => string} */
  change(state, action) {
    const after = this.follow(state, action);
    if (after.ending) return endingName(after.ending);
    const changed = this.fields.flatMap((_, field) =>
      this.code(field, after.state) === this.code(field, state)
        ? []
        : [this.fieldName(field, after.state)],
    );
    return changed.join(", ") || "nothing changes";
  }

  /** The start with another value of a field that is otherwise most like a start.
   * @type {(start: number, field: number, code: number) => number} */
  similarStart(start, field, code) {
    const alike = (/** @type {number} */ state) =>
      this.fields.filter((_, other) => this.code(other, state) === this.code(other, start)).length;
    const candidates = this.starts.filter((state) => this.code(field, state) === code);
    return candidates.reduce((best, state) => (alike(state) > alike(best) ? state : best));
  }
}

/** The end of an episode, in words, with when it was.
 * @type {(ending: Ending, when?: string) => string} */
export function endingName({ outcome, label }, when = "") {
  if (outcome === TIMEOUT) return `time-out${when}`;
  const known = label === "unknown" ? "not overseen" : "overseen";
  const mistaken = known === "overseen" && label !== outcome ? ` and taken for ${label}` : "";
  return `${outcome}${when}, ${known}${mistaken}`;
}
