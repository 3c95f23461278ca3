// The dial: who decides, from one expert through the learned gate to the other.

import { steeredWeights } from "../model/policy.js";
import { numberText, percentText } from "../model/texts.js";
import { fillSelect, find, setAttributes, setShown, setText } from "./elements.js";
import { deployedDial, isDeployed, makeActor } from "./view.js";

/** What the gate does when nobody steers. @type {(policy: Policy) => string} */
const gateName = (policy) => (policy.gate === "even" ? "even weights" : "learned gate");

/** Who acts, as a title. @type {(policy: Policy, steering: Steering) => string} */
export function actorName(policy, { dial, fixed, ends }) {
  if (!policy.several) return "policy";
  const end = policy.experts[ends[dial < 0 ? 0 : 1]];
  if (Math.abs(dial) === 1) return `${end} expert`;
  if (fixed) {
    const weights = steeredWeights({ dial, fixed, ends }, policy.experts.map(() => 0));
    const [left, right] = ends.map((index) => `${policy.experts[index]} ${numberText(weights[index])}`);
    return `fixed weights: ${right}, ${left}`;
  }
  if (dial === 0) return "mixture";
  return `${percentText(Math.abs(dial), 0)} from the ${gateName(policy)} to the ${end} expert`;
}

/** What that means, for whoever reads it the first time.
 * @type {(policy: Policy, steering: Steering) => string} */
export function actorMeaning(policy, { dial, fixed }) {
  if (!policy.several) return "one expert, nothing to steer";
  if (Math.abs(dial) === 1) return "steered: the gate is overridden";
  if (fixed) return "the gate is overridden, with the same weights in every cell";
  if (dial === 0) return policy.gate === "even" ? "every expert weighs the same" : "the learned gate decides";
  return "in every cell the gate's weights, moved that far";
}

/** The dial of one panel; `change` takes what is new of the actor. */
export class Dial {
  /** @param {HTMLElement} node @param {Policy[]} policies
   * @param {(news: Partial<Actor>) => void} change */
  constructor(node, policies, change) {
    this.node = node;
    this.policy = policies[0];
    this.actor = makeActor(policies, 0);
    this.range = find(node, "input[type=range]", HTMLInputElement);
    this.fixed = find(node, "input[type=checkbox]", HTMLInputElement);
    this.mark = find(node, ".mark", HTMLElement);
    this.deployed = find(node, ".deployed", HTMLElement);
    this.ends = find(node, ".ends", HTMLElement);
    this.stops = [...node.querySelectorAll(".stops button")];
    this.selects = [...this.ends.querySelectorAll("select")];
    this.range.addEventListener("input", () => change({ dial: Number(this.range.value) }));
    this.fixed.addEventListener("change", () => change({ fixed: this.fixed.checked }));
    this.stops.forEach((stop, index) => {
      stop.addEventListener("click", () => change(this.stopped(index - 1)));
    });
    this.deployed.addEventListener("click", () => change(deployedDial(this.policy) ?? {}));
    this.selects.forEach((select, end) => {
      select.addEventListener("change", () => change({ ends: this.chosenEnds(end) }));
    });
  }

  /** The ends of the dial; choosing the other end's expert swaps the two.
   * @type {(end: number) => number[]} */
  chosenEnds(end) {
    const ends = [...this.actor.ends];
    const expert = Number(this.selects[end].value);
    if (ends[1 - end] === expert) ends[1 - end] = ends[end];
    ends[end] = expert;
    return ends;
  }

  /** A stop of the dial: in the middle stands the gate, also if the weights were fixed.
   * @type {(dial: number) => Partial<Actor>} */
  stopped(dial) {
    return dial === 0 ? { dial, fixed: false } : { dial };
  }

  /** @type {(policy: Policy, actor: Actor) => void} */
  draw(policy, actor) {
    setShown(this.node, policy.several);
    if (!policy.several) return;
    this.policy = policy;
    this.actor = actor;
    const [left, right] = actor.ends.map((index) => policy.experts[index]);
    this.range.value = String(actor.dial);
    const middle = actor.fixed ? "equal weights" : `the ${gateName(policy)}`;
    setAttributes(this.range, {
      "aria-label": `Who decides: from the ${left} expert through ${middle} to the ${right} expert`,
      "aria-valuetext": actorName(policy, actor),
    });
    this.fixed.checked = actor.fixed;
    this.drawStops([`${left} expert`, gateName(policy), `${right} expert`]);
    this.drawDeployment();
    setShown(this.ends, policy.experts.length > 2);
    this.selects.forEach((select, end) => fillSelect(select, policy.experts, actor.ends[end]));
  }

  /** @param {string[]} names */
  drawStops(names) {
    const { dial, fixed } = this.actor;
    this.stops.forEach((stop, index) => {
      const here = dial === index - 1 && (index !== 1 || !fixed);
      const deployed = isDeployed(this.policy, { ...this.actor, ...this.stopped(index - 1) });
      setText(find(stop, "span", HTMLElement), names[index]);
      setText(find(stop, "small", HTMLElement), deployed ? "deployed" : "");
      stop.setAttribute("aria-pressed", String(here));
    });
  }

  /** Mark where the method deploys the policy, and offer to go there if no stop does. */
  drawDeployment() {
    const deployed = deployedDial(this.policy);
    const atStop = deployed && (Math.abs(deployed.dial) === 1 || !deployed.fixed);
    setShown(this.deployed, Boolean(deployed) && !atStop);
    const sameEnds = deployed && deployed.ends.every((end, index) => end === this.actor.ends[index]);
    const sameScale = atStop ? true : deployed && deployed.fixed === this.actor.fixed;
    setShown(this.mark, Boolean(sameEnds && sameScale));
    if (deployed) this.mark.style.setProperty("--place", String((deployed.dial + 1) / 2));
  }
}
