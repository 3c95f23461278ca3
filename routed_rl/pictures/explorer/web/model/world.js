// The rules of the gridworld, as the Python package has them. A cell is row x columns + column.

/** Up, right, down, left: rows and columns that each action adds. */
export const MOVES = [
  [-1, 0],
  [0, 1],
  [1, 0],
  [0, -1],
];
/** @type {Target[]} */
export const TARGETS = ["diamond", "ghost"];
/** @type {Piece[]} */
export const PIECES = ["agent", ...TARGETS];
const PLANES = { agent: 0, ghost: 1, diamond: 2, oversight: 3 };

/** A grid, where its moves lead, and what the agent sees in it. */
export class World {
  /** @param {WorldSettings} settings */
  constructor({ rows, cols, maxSteps, hidden, spurious }) {
    this.rows = rows;
    this.cols = cols;
    this.maxSteps = maxSteps;
    this.hidden = hidden;
    this.spurious = spurious;
    this.cells = rows * cols;
    this.next = new Int32Array(this.cells * MOVES.length);
    for (let cell = 0; cell < this.cells; cell++) {
      MOVES.forEach(([down, right], action) => {
        this.next[cell * MOVES.length + action] = this.neighbour(cell, down, right) ?? cell;
      });
    }
  }

  /** The cell so many rows and columns away, or null beyond the edge.
   * @type {(cell: number, down: number, right: number) => number | null} */
  neighbour(cell, down, right) {
    const row = Math.floor(cell / this.cols) + down;
    const col = (cell % this.cols) + right;
    const inside = row >= 0 && row < this.rows && col >= 0 && col < this.cols;
    return inside ? row * this.cols + col : null;
  }

  /** How many steps lie between two cells. @type {(first: number, second: number) => number} */
  distance(first, second) {
    const rows = Math.floor(first / this.cols) - Math.floor(second / this.cols);
    return Math.abs(rows) + Math.abs((first % this.cols) - (second % this.cols));
  }

  /** Where the observation's planes are 1; oversight that is hidden is 0 everywhere.
   * @type {(agent: number, targets: Targets) => number[]} */
  observe(agent, targets) {
    const seen = [
      PLANES.agent * this.cells + agent,
      PLANES.ghost * this.cells + targets.ghost,
      PLANES.diamond * this.cells + targets.diamond,
    ];
    if (this.hidden) return seen;
    for (const target of TARGETS) {
      if (targets.watched[target]) seen.push(PLANES.oversight * this.cells + targets[target]);
    }
    return seen;
  }

  /** "row 2, column 3", counted from 1. @type {(cell: number) => string} */
  placeName(cell) {
    return `row ${Math.floor(cell / this.cols) + 1}, column ${(cell % this.cols) + 1}`;
  }
}
