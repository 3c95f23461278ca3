// The records of the page of a world's states, for the type check alone. A state, an action, one who
// may act and a degree of oversight are numbers: their places in the page's lists.

type Listing = import("./states/listing.js").Listing;

/** What Python wrote into the page. */
interface StatesContent {
  discount: number;
  world: {
    name: string;
    states: number;
    maxSteps: number;
    actions: string[];
    /** The outcomes but the time-out, and those of them that are wanted. */
    targets: string[];
    good: string[];
    /** The name of each code of an outcome or a label. */
    codes: string[];
    observation: number[];
  };
  /** What tells states apart, with its different values in words. */
  fields: { name: string; values: string[] }[];
  /** Degrees of oversight, ascending. */
  levels: number[];
  policies: StatesPolicy[];
  tensors: [name: string, shape: number[]][];
  numbers: string;
  /** Of every state, and then of every ending in the order of states and actions; null where the
   * world draws nothing, or too much. */
  pictures: Album | null;
  /** What the agent sees in every state; null where it is too much. */
  seen: Album | null;
  leftOut: boolean;
}
/** PNGs in base 64, and which of them shows each thing. */
type Album = { images: string[]; places: number[] };
interface StatesPolicy {
  name: string;
  facts: string;
  /** The oversight in training. */
  trained: number;
  experts: string[];
  who: { name: string; title: string; deployed: boolean }[];
}
/** One who may act: the mixture of a policy, an expert, or the policy as it is deployed. */
interface Performer {
  title: string;
  deployed: boolean;
  /** Actions' probabilities, states x actions. */
  probabilities: Float32Array;
  /** States x (targets, return, steps). */
  figures: Float32Array;
  /** The gate's weight in each state; null if it is no expert among several. */
  gate: ((state: number) => number) | null;
}
/** By the outcomes' names their probabilities, the return and the steps. */
type Result = { rates: Record<string, number>; return: number; steps: number };
/** How an episode ended, and what the overseer knows of it. */
type Ending = { outcome: string; label: string };
type Following = { state: number; ending: null } | { state: null; ending: Ending };
/** An episode as far as it goes: the state before each action, and the last one. */
type Walk = { states: number[]; actions: number[]; ending: Ending | null };

/** Everything that a user can change. */
interface StatesView {
  start: number;
  actions: number[];
  who: number;
  seed: number;
  level: number;
}
/** What a user can do. */
interface StatesActs {
  change(news: Partial<StatesView>): void;
  take(action: number): void;
}
