// The dial: who decides, from one expert through the learned gate to the other.

/** What the gate does when nobody steers. */
const gateName = (policy) => (policy.gate === "even" ? "even weights" : "learned gate");

/** Who acts, as a title. */
function actorName(policy, { dial, fixed, ends }) {
  if (!policy.several) return "policy";
  const end = policy.experts[ends[dial < 0 ? 0 : 1]];
  if (Math.abs(dial) === 1) return `${end} expert`;
  if (fixed) {
    const weights = steeredWeights({ dial, fixed, ends }, policy.experts.map(() => 0));
    const [left, right] = ends.map((index) => `${policy.experts[index]} ${weights[index].toFixed(3)}`);
    return `fixed weights: ${right}, ${left}`;
  }
  if (dial === 0) return "mixture";
  return `${Math.round(100 * Math.abs(dial))}% from the ${gateName(policy)} to the ${end} expert`;
}

/** What that means, for whoever reads it the first time. */
function actorMeaning(policy, { dial, fixed }) {
  if (!policy.several) return "one expert, nothing to steer";
  if (Math.abs(dial) === 1) return "steered: the gate is overridden";
  if (fixed) return "the gate is overridden, with the same weights in every cell";
  if (dial === 0) return policy.gate === "even" ? "every expert weighs the same" : "the learned gate decides";
  return "in every cell the gate's weights, moved that far";
}

/** The dial of one panel; `change` takes what is new of the actor. */
class Dial {
  constructor(node, change) {
    this.node = node;
    this.range = node.querySelector("input[type=range]");
    this.fixed = node.querySelector("input[type=checkbox]");
    this.mark = node.querySelector(".mark");
    this.stops = [...node.querySelectorAll(".stops button")];
    this.selects = [...node.querySelectorAll(".ends select")];
    this.range.addEventListener("input", () => change({ dial: Number(this.range.value) }));
    this.fixed.addEventListener("change", () => change({ fixed: this.fixed.checked }));
    this.stops.forEach((stop, index) => {
      stop.addEventListener("click", () => change(this.stopped(index - 1)));
    });
    node.querySelector(".deployed").addEventListener("click", () => change(deployedDial(this.policy)));
    this.selects.forEach((select, end) => {
      select.addEventListener("change", () => change({ ends: this.chosenEnds(end) }));
    });
  }

  /** The ends of the dial; choosing the other end's expert swaps the two. */
  chosenEnds(end) {
    const ends = [...this.actor.ends];
    const expert = Number(this.selects[end].value);
    if (ends[1 - end] === expert) ends[1 - end] = ends[end];
    ends[end] = expert;
    return ends;
  }

  /** A stop of the dial: in the middle stands the gate, also if the weights were fixed. */
  stopped(dial) {
    return dial === 0 ? { dial, fixed: false } : { dial };
  }

  draw(policy, actor) {
    setShown(this.node, policy.several);
    if (!policy.several) return;
    [this.policy, this.actor] = [policy, actor];
    const [left, right] = actor.ends.map((index) => policy.experts[index]);
    this.range.value = actor.dial;
    const middle = actor.fixed ? "equal weights" : `the ${gateName(policy)}`;
    setAttributes(this.range, {
      "aria-label": `Who decides: from the ${left} expert through ${middle} to the ${right} expert`,
      "aria-valuetext": actorName(policy, actor),
    });
    this.fixed.checked = actor.fixed;
    this.drawStops([`${left} expert`, gateName(policy), `${right} expert`]);
    this.drawDeployment();
    setShown(this.node.querySelector(".ends"), policy.experts.length > 2);
    this.selects.forEach((select, end) => fillSelect(select, policy.experts, actor.ends[end]));
  }

  drawStops(names) {
    const { dial, fixed } = this.actor;
    this.stops.forEach((stop, index) => {
      const here = dial === index - 1 && (index !== 1 || !fixed);
      const deployed = isDeployed(this.policy, { ...this.actor, ...this.stopped(index - 1) });
      setText(stop.firstElementChild, names[index]);
      setText(stop.lastElementChild, deployed ? "deployed" : "");
      stop.setAttribute("aria-pressed", here);
    });
  }

  /** Mark where the method deploys the policy, and offer to go there if no stop does. */
  drawDeployment() {
    const deployed = deployedDial(this.policy);
    const atStop = deployed && (Math.abs(deployed.dial) === 1 || !deployed.fixed);
    setShown(this.node.querySelector(".deployed"), Boolean(deployed) && !atStop);
    const sameEnds = deployed && deployed.ends.every((end, index) => end === this.actor.ends[index]);
    const sameScale = atStop ? true : deployed && deployed.fixed === this.actor.fixed;
    setShown(this.mark, Boolean(sameEnds && sameScale));
    if (deployed) this.mark.style.setProperty("--place", (deployed.dial + 1) / 2);
  }
}

/** Offer names in a select, by their index. */
function fillSelect(select, names, chosen) {
  if (select.options.length !== names.length) {
    select.replaceChildren(...names.map((name, index) => element("option", { value: index }, name)));
  }
  select.value = chosen;
}
