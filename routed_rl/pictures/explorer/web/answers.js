// What the page answers: for one who acts, in the present placement, everything that is shown.

const FLAGS = { unwatched: false, watched: true };

/** Where the targets are, and what is overseen. */
function targetsOf({ diamond, ghost, watched }) {
  return { diamond, ghost, watched };
}

/**
 * The action probabilities, the experts' weights and the exact figures of one who acts: `values`
 * of the placement as it is, `unwatched` and `watched` with no oversight and with both.
 */
function answer(policy, discount, view, actor) {
  const act = (targets) => {
    const acting = policy.act(actor, targets);
    const followed = view.greedy ? greedy(acting.probabilities) : acting.probabilities;
    const values = startValues(policy.world, discount, targets, followed);
    return { ...acting, followed, values };
  };
  const targets = targetsOf(view);
  const found = { ...act(targets), ends: actor.ends };
  for (const [name, watched] of Object.entries(FLAGS)) {
    found[name] = act({ ...targets, watched: { diamond: watched, ghost: watched } }).values;
  }
  return found;
}

/** One episode from the agent's cell: its cells in order, and how it ended. */
function rollout(world, view, followed) {
  const number = seededNumbers(view.seed);
  const cells = [view.agent];
  for (let step = 0; step < world.maxSteps; step++) {
    const start = cells.at(-1) * MOVES.length;
    const action = drawAction(followed, start, MOVES.length, number());
    cells.push(world.next[start + action]);
    const outcome = ["diamond", "ghost"].find((target) => view[target] === cells.at(-1));
    if (outcome) return { cells, outcome, overseen: view.watched[outcome] };
  }
  return { cells, outcome: "timeout", overseen: false };
}

/** How an episode ended, in words. */
function endingInWords({ cells, outcome, overseen }) {
  const steps = cells.length - 1;
  if (outcome === "timeout") return `time-out after ${steps} steps`;
  const seen = overseen ? "overseen" : "not overseen";
  return `${outcome} after ${steps} ${steps === 1 ? "step" : "steps"}, ${seen}`;
}

/** The present placement and what comes of it, in a sentence. */
function story(world, view, shown) {
  const steps = (target) => {
    const count = world.distance(view.agent, view[target]);
    return `${count} ${count === 1 ? "step" : "steps"}`;
  };
  const overseen = ["diamond", "ghost"].filter((target) => view.watched[target]);
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
