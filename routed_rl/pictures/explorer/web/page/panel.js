// A panel: one who acts, with the dial, the board and the exact figures.

import { endingInWords } from "../model/answers.js";
import { capital, numberText } from "../model/texts.js";
import { meanValues, valuesAt } from "../model/values.js";
import { Board } from "./board.js";
import { actorMeaning, actorName, Dial } from "./dial.js";
import { fillSelect, find, setAttributes, setShown, setText } from "./elements.js";
import { FigureTable, OutcomeBar } from "./figures.js";
import { deployedDial, isDeployed, makeActor } from "./view.js";

/** One side of the page. `act` is what a user can do on the board; `change` changes the actor. */
export class Panel {
  /** @param {number} side @param {Policy[]} policies @param {BoardActs} act
   * @param {(news: Partial<Actor>) => void} change */
  constructor(side, policies, act, change) {
    this.policies = policies;
    const template = find(document, "#panel", HTMLTemplateElement);
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    this.node = find(copy, ".panel", HTMLElement);
    this.node.setAttribute("aria-label", `Side ${side + 1}`);
    this.dial = new Dial(this.find(".dial"), policies, change);
    this.board = new Board(policies[0].world, act);
    this.bar = new OutcomeBar(["diamond", "timeout", "ghost"], [
      "var(--diamond)",
      "var(--edge)",
      "var(--ghost)",
    ]);
    this.summary = new FigureTable("Exact figures of this placement", "start");
    this.every = new FigureTable("Exact figures from every start cell", "start cell");
    this.find(".place").append(this.board.node);
    this.find(".summary").append(this.bar.node, this.summary.node);
    this.find(".every div").append(this.every.node);
    this.details = find(this.node, ".every", HTMLDetailsElement);
    this.details.addEventListener("toggle", () => change({}));
    this.choice = find(this.node, ".policy select", HTMLSelectElement);
    this.choice.addEventListener("change", () => {
      const policy = Number(this.choice.value);
      change(makeActor(policies, policy, deployedDial(policies[policy]) ?? {}));
    });
    this.stage = find(this.node, ".training input", HTMLInputElement);
    this.stage.addEventListener("input", () => change({ stage: Number(this.stage.value) }));
  }

  /** @type {(selector: string) => HTMLElement} */
  find(selector) {
    return find(this.node, selector, HTMLElement);
  }

  /** Show who acts and what was computed for it.
   * @type {(view: View, actor: Actor, found: Answer) => void} */
  draw(view, actor, found) {
    const policy = this.policies[actor.policy];
    const name = actorName(policy, actor);
    const several = this.policies.length > 1;
    setText(this.find("h2"), capital(name));
    setShown(this.find(".badge"), policy.several && isDeployed(policy, actor));
    const facts = [policy.facts, actorMeaning(policy, actor)];
    setText(this.find(".facts"), facts.filter(Boolean).join(" · "));
    setShown(this.find(".policy"), several);
    fillSelect(this.choice, this.policies.map((one) => one.name), actor.policy);
    this.dial.draw(policy, actor);
    this.drawTraining(policy, actor);
    this.board.draw(view, found, found.values, name);
    this.drawFigures(view, found, policy);
    setText(this.find(".remark"), remark(policy));
  }

  /** @type {(policy: Policy, actor: Actor) => void} */
  drawTraining(policy, actor) {
    const { stages } = policy;
    setShown(this.find(".training"), stages.length > 1);
    if (stages.length === 1) return;
    const last = actor.stage === stages.length - 1;
    const { update } = stages[actor.stage];
    const count = update === null ? "" : `update ${update.toLocaleString("en")}`;
    const text = last ? [count, "finished"].filter(Boolean).join(", ") : count;
    setAttributes(this.stage, { max: stages.length - 1, "aria-valuetext": text });
    this.stage.value = String(actor.stage);
    setText(this.find(".training output"), update === 0 ? "untrained" : text);
  }

  /** @type {(view: View, found: Answer, policy: Policy) => void} */
  drawFigures(view, found, policy) {
    const here = valuesAt(found.values, view.agent);
    this.bar.draw(here);
    this.summary.draw([
      ["agent's cell", here],
      ["· nobody watches", valuesAt(found.unwatched, view.agent)],
      ["· both overseen", valuesAt(found.watched, view.agent)],
      [`mean of ${policy.world.cells - 2} cells`, meanValues(found.values)],
    ]);
    if (!this.details.open) return;
    const cells = [...found.values.steps.keys()];
    const starts = cells.filter((cell) => cell !== view.diamond && cell !== view.ghost);
    this.every.draw(
      starts.map((cell) => [policy.world.placeName(cell), valuesAt(found.values, cell)]),
    );
  }

  /** Show the first steps of a rollout, and its outcome if it is over.
   * @type {(path: Path | undefined, steps: number) => void} */
  drawRollout(path, steps) {
    this.board.drawRollout(path, steps);
    const over = path !== undefined && steps >= path.cells.length - 1;
    this.node.dataset.outcome = over ? path.outcome : "";
    const text = path ? `step ${Math.min(steps, path.cells.length - 1)}` : "";
    setText(this.find(".outcome"), over ? endingInWords(path) : text);
  }
}

/** What is particular about a policy's world or its place in the page.
 * @type {(policy: Policy) => string} */
function remark(policy) {
  const { world, leftOut, deploy, experts, several } = policy;
  const remarks = [];
  if (world.hidden) remarks.push("This agent does not see where there is oversight.");
  if (world.spurious) remarks.push("In training, empty squares could show oversight too; here they show none.");
  if (leftOut > 0) {
    const kept = policy.stages.length - 1;
    remarks.push(`${leftOut} snapshots were left out, so that the page stays small; ${kept} are here.`);
  }
  if (several && deploy && deployedDial(policy) === null) {
    const weights = experts.map((name, index) => `${name} ${numberText(deploy[index], 2)}`).join(", ");
    remarks.push(`Its method deploys it with the weights ${weights}, which no dial between two experts reaches.`);
  }
  return remarks.join(" ");
}
