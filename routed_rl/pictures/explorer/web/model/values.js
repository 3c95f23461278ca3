// Exact figures of a placement, by dynamic programming over the agent's cell and the steps left.

import { MOVES } from "./world.js";

/** What an episode brings from every start cell: the probabilities of ending on the diamond and on
 * the ghost, the discounted return (+1 and -1), and the mean number of steps. NaN on the targets.
 * @type {(world: World, discount: number, targets: Targets, acting: Doubles) => FigureLists} */
export function startValues(world, discount, targets, probabilities) {
  const gained = gains(world, targets, probabilities);
  const decay = [1, 1, discount, 1];
  let values = gained;
  for (let step = 1; step < world.maxSteps; step++) {
    values = values.map((before, figure) => {
      const later = handedOn(world, targets, probabilities, before);
      return gained[figure].map((gain, cell) => gain + decay[figure] * later[cell]);
    });
  }
  const starts = values.map((figures) => figures.slice());
  for (const figures of starts) figures[targets.diamond] = figures[targets.ghost] = NaN;
  const [diamond, ghost, discounted, steps] = starts;
  const timeout = diamond.map((rate, cell) => Math.max(0, 1 - rate - ghost[cell]));
  return { diamond, ghost, return: discounted, steps, timeout };
}

/** What one step brings in every cell: of the diamond, the ghost, the return and the steps.
 * @type {(world: World, targets: Targets, probabilities: Doubles) => Doubles[]} */
function gains(world, targets, probabilities) {
  const found = Array.from({ length: 4 }, () => new Float64Array(world.cells));
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

/** The mean over the next cells of what an episode that goes on brings from there.
 * @type {(world: World, targets: Targets, probabilities: Doubles, values: Doubles) => Doubles} */
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

/** The mean over all start cells, each figure by name. @type {(values: FigureLists) => Figures} */
export function meanValues(values) {
  return mapFigures(values, (numbers) => {
    const starts = Array.from(numbers).filter((number) => !Number.isNaN(number));
    return starts.reduce((sum, number) => sum + number, 0) / starts.length;
  });
}

/** The figures of one start cell, by name.
 * @type {(values: FigureLists, cell: number) => Figures} */
export function valuesAt(values, cell) {
  return mapFigures(values, (numbers) => numbers[cell]);
}

/** Each figure, made of its list.
 * @template Made
 * @param {FigureLists} values @param {(numbers: Doubles) => Made} make */
export function mapFigures(values, make) {
  const made = Object.entries(values).map(([name, numbers]) => [name, make(numbers)]);
  return /** @type {Record<Figure, Made>} */ (Object.fromEntries(made));
}
