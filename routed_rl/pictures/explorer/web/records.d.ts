// The records that the page's modules exchange, for the type check alone. A cell is a number, row x
// columns + column; lists over cells are in that order, and hold NaN or null on the targets.

type World = import("./model/world.js").World;
type Policy = import("./model/policy.js").Policy;
type Board = import("./page/board.js").Board;

interface Window {
  explorer: unknown;
}

type Doubles = Float64Array;
type Attributes = Record<string, string | number | boolean | null>;

type Target = "diamond" | "ghost";
type Piece = "agent" | Target;
type Outcome = Target | "timeout";
type Figure = Outcome | "return" | "steps";
/** Of one start cell: rates from 0 to 1, the discounted return, the mean number of steps. */
type Figures = Record<Figure, number>;
/** The same of every start cell. */
type FigureLists = Record<Figure, Doubles>;
type Watched = Record<Target, boolean>;
type Targets = Record<Target, number> & { watched: Watched };

interface WorldSettings {
  rows: number;
  cols: number;
  maxSteps: number;
  /** Whether the agent never sees oversight. */
  hidden: boolean;
  /** Whether empty squares could show oversight in training. */
  spurious: boolean;
}

/** A policy as the page's file holds it. */
interface PolicyRecord {
  name: string;
  facts: string;
  world: WorldSettings;
  experts: string[];
  gate: "learned" | "even" | "none";
  /** The weight of each expert with which the method deploys it; null for the gate's own. */
  deploy: number[] | null;
  /** The experts at the left and the right end of the dial. */
  ends: number[];
  form: "weights" | "tables";
  tensors: [name: string, shape: number[]][];
  /** Numbers are float32 in base 64; the gradient steps before them may be unknown. */
  stages: { update: number | null; numbers: string }[];
  leftOut: number;
}

type Tensor = { shape: number[]; values: Float32Array };
type Tensors = Map<string, Tensor>;
/** A linear layer, its weights row by row: outputs x inputs. */
type Layer = {
  outputs: number;
  inputs: number;
  weight: ArrayLike<number>;
  bias: ArrayLike<number>;
};
/** The same layer, its weights column by column. */
type Columns = { columns: Doubles; bias: ArrayLike<number> };
/** Of each expert, the logits of its actions; of the gate, those of all experts but the last. */
type Logits = { experts: Doubles[]; gate: Doubles };
type Computer = { logits(agent: number, targets: Targets, world: World): Logits };
/** Of each expert in a cell, the logits of its actions and the weight that the gate gives it. */
type Place = { experts: Doubles[]; gate: number[] };

/** Where a dial stands, from -1 (left end) to 1 (right end); a fixed one overrides the gate. */
type Steering = { dial: number; fixed: boolean; ends: number[] };
/** Who acts on a board: a policy at a stage of its training, and its dial. */
type Actor = Steering & { policy: number; stage: number };
/** Probabilities of actions (cells x actions), and the experts' weights in each cell. */
type Acting = { probabilities: Doubles; weights: (number[] | null)[] };
type Answer = Acting & {
  /** The probabilities with which the actions are taken. */
  followed: Doubles;
  ends: number[];
  values: FigureLists;
  unwatched: FigureLists;
  watched: FigureLists;
};
/** An episode: its cells in order, and how it ended. */
type Path = { cells: number[]; outcome: Outcome; overseen: boolean };

/** Everything that a user can change. */
type View = Record<Piece, number> & {
  watched: Watched;
  greedy: boolean;
  seed: number;
  cells: "arrows" | "diamond" | "ghost" | "return";
  compare: boolean;
  actors: Actor[];
};

/** What a user can do on a board. */
interface BoardActs {
  view(): View;
  move(piece: Piece, cell: number): void;
  refuse(piece: Piece): void;
  watch(target: Target): void;
}
/** What a user can do with the controls of both sides. */
interface ControlActs {
  change(news: Partial<View>): void;
  watch(target: Target): void;
  seed(text: string): void;
  shuffle(): void;
  play(): void;
  another(): void;
  copy(): void;
  restart(): void;
}
