// Playing what was sampled, step by step.

const STEP_MILLISECONDS = 380;

/** Shows paths step by step, or all at once where motion is unwelcome.
 * @template Paths */
export class Player {
  /** @param {() => void} show @param {(paths: Paths) => void} finished */
  constructor(show, finished) {
    this.show = show;
    this.finished = finished;
    /** @type {Paths | null} */
    this.paths = null;
    this.steps = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  get playing() {
    return this.timer !== undefined;
  }

  /** @param {Paths} paths @param {number} longest The steps of the longest one. */
  play(paths, longest) {
    this.stop();
    this.paths = paths;
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
