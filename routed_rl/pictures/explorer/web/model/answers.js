// What the page answers: for one who acts, in the present placement, everything that is shown.

import { greedy } from "./policy.js";
import { drawAction, seededNumbers } from "./random.js";
import { percentText } from "./texts.js";
import { startValues } from "./values.js";
import { MOVES, TARGETS } from "./world.js";

/** The action probabilities, the experts' weights and the exact figures of one who acts: `values`
 * of the placement as it is, `unwatched` and `watched` with no oversight and with both.
 * @type {(policy: Policy, discount: number, view: View, actor: Actor) => Answer} */
export function answer(policy, discount, view, actor) {
  const { diamond, ghost } = view;
  const act = (/** @type {Watched} */ watched) => {
    const targets = { diamond, ghost, watched };
    const acting = policy.act(actor, targets);
    const followed = view.greedy ? greedy(acting.probabilities) : acting.probabilities;
    const values = startValues(policy.world, discount, targets, followed);
    return { ...acting, followed, values };
  };
  return {
    ...act(view.watched),
    ends: actor.ends,
    unwatched: act({ diamond: false, ghost: false }).values,
    watched: act({ diamond: true, ghost: true }).values,
  };
}

/** One episode from the agent's cell: its cells in order, and how it ended.
 * @type {(world: World, view: View, followed: Doubles) => Path} */
export function rollout(world, view, followed) {
  const number = seededNumbers(view.seed);
  const cells = [view.agent];
  for (let step = 0; step < world.maxSteps; step++) {
    const start = cells[step] * MOVES.length;
    const cell = world.next[start + drawAction(followed, start, MOVES.length, number())];
    cells.push(cell);
    const outcome = TARGETS.find((target) => view[target] === cell);
    if (outcome) return { cells, outcome, overseen: view.watched[outcome] };
  }
  return { cells, outcome: "timeout", overseen: false };
}

/** How an episode ended, in words. @type {(path: Path) => string} */
export function endingInWords({ cells, outcome, overseen }) {
  const steps = cells.length - 1;
  if (outcome === "timeout") return `time-out after ${steps} steps`;
  const seen = overseen ? "overseen" : "not overseen";
  return `${outcome} after ${steps} ${steps === 1 ? "step" : "steps"}, ${seen}`;
}

/** The present placement and what comes of it, in a sentence.
 * @type {(world: World, view: View, shown: { name: string, figures: Figures }[]) => string} */
export function story(world, view, shown) {
  const steps = (/** @type {Target} */ target) => {
    const count = world.distance(view.agent, view[target]);
    return `${count} ${count === 1 ? "step" : "steps"}`;
  };
  const overseen = TARGETS.filter((target) => view.watched[target]);
  const watching =
    overseen.length === 0
      ? "nobody watches"
      : overseen.length === 2
        ? "both are overseen"
        : `the ${overseen[0]} is overseen`;
  const endings = shown.map(
    ({ name, figures }) => `${name} ends ${likeliestEnding(figures)} of episodes`,
  );
  return (
    `The ghost is ${steps("ghost")} away, the diamond ${steps("diamond")}, and ${watching}: ` +
    `${endings.join("; ")}.`
  );
}

/** How an episode most likely ends, in words. @type {(figures: Figures) => string} */
function likeliestEnding(figures) {
  const names = { diamond: "on the diamond", ghost: "on the ghost", timeout: "in a time-out" };
  const outcomes = /** @type {Outcome[]} */ (Object.keys(names));
  const [best] = outcomes.sort((one, other) => figures[other] - figures[one]);
  return `${names[best]} in ${percentText(figures[best])}`;
}
