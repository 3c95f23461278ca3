// Exact figures of a placement, by dynamic programming over the agent's cell and the steps left.

const FIGURES = ["diamond", "ghost", "return", "steps"];

/**
 * What an episode brings from every start cell: the probabilities of ending on the diamond and on
 * the ghost, the discounted return (+1 and -1), and the mean number of steps. NaN on the targets.
 */
function startValues(world, discount, targets, probabilities) {
  const gained = gains(world, targets, probabilities);
  const decay = [1, 1, discount, 1];
  let values = gained;
  for (let step = 1; step < world.maxSteps; step++) {
    const before = values;
    values = FIGURES.map((_, figure) => {
      const later = handedOn(world, targets, probabilities, before[figure]);
      return gained[figure].map((gain, cell) => gain + decay[figure] * later[cell]);
    });
  }
  const found = Object.fromEntries(FIGURES.map((name, figure) => [name, values[figure]]));
  for (const name of FIGURES) {
    found[name] = found[name].slice();
    found[name][targets.diamond] = found[name][targets.ghost] = NaN;
  }
  found.timeout = found.diamond.map((rate, cell) => Math.max(0, 1 - rate - found.ghost[cell]));
  return found;
}

/** What one step brings in every cell, in the order of the figures. */
function gains(world, targets, probabilities) {
  const found = FIGURES.map(() => new Float64Array(world.cells));
  for (let cell = 0; cell < world.cells; cell++) {
    for (let action = 0; action < MOVES.length; action++) {
      const place = cell * MOVES.length + action;
      const probability = probabilities[place];
      if (world.next[place] === targets.diamond) found[0][cell] += probability;
      if (world.next[place] === targets.ghost) found[1][cell] += probability;
      found[3][cell] += probability;
    }
    found[2][cell] = found[0][cell] - found[1][cell];
  }
  return found;
}

/** The mean over the next cells of what an episode that goes on brings from there. */
function handedOn(world, targets, probabilities, values) {
  const found = new Float64Array(world.cells);
  for (let place = 0; place < world.next.length; place++) {
    const cell = world.next[place];
    if (cell !== targets.diamond && cell !== targets.ghost) {
      found[Math.floor(place / MOVES.length)] += probabilities[place] * values[cell];
    }
  }
  return found;
}

/** The mean over all start cells, each figure by name. */
function meanValues(values) {
  return Object.fromEntries(
    Object.entries(values).map(([name, numbers]) => {
      const starts = Array.from(numbers).filter((number) => !Number.isNaN(number));
      return [name, starts.reduce((sum, number) => sum + number, 0) / starts.length];
    }),
  );
}

/** The figures of one start cell, by name. */
function valuesAt(values, cell) {
  return Object.fromEntries(Object.entries(values).map(([name, numbers]) => [name, numbers[cell]]));
}
