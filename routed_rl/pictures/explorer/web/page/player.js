// Playing rollouts: one on each side, with the same random numbers.

const STEP_MILLISECONDS = 380;

/** Shows the paths step by step, or all at once where motion is unwelcome. */
export class Player {
  /** @param {() => void} show @param {(paths: Path[]) => void} finished */
  constructor(show, finished) {
    this.show = show;
    this.finished = finished;
    /** @type {Path[] | null} */
    this.paths = null;
    this.steps = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  get playing() {
    return this.timer !== undefined;
  }

  /** @param {Path[]} paths */
  play(paths) {
    this.stop();
    this.paths = paths;
    const longest = Math.max(...paths.map(({ cells }) => cells.length - 1));
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.steps = still ? longest : 0;
    if (still) this.end();
    else this.timer = setInterval(() => this.step(longest), STEP_MILLISECONDS);
    this.show();
  }

  /** @param {number} longest */
  step(longest) {
    this.steps += 1;
    if (this.steps >= longest) this.end();
    this.show();
  }

  end() {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.paths) this.finished(this.paths);
  }

  /** Take the rollouts away. */
  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.paths = null;
    this.show();
  }
}
