// The controls that both sides share.

import { TARGETS } from "../model/world.js";
import { find, setShown, setText } from "./elements.js";

/** Connects the page's own controls with the view. `act` is what they can do. */
export class Controls {
  /** @param {ControlActs} act */
  constructor(act) {
    const input = (/** @type {string} */ name) => find(document, `#${name}`, HTMLInputElement);
    const select = (/** @type {string} */ name) => find(document, `#${name}`, HTMLSelectElement);
    this.watched = { diamond: input("watch-diamond"), ghost: input("watch-ghost") };
    this.actions = select("actions");
    this.cells = select("cells");
    this.compare = input("compare");
    this.seed = input("seed");
    this.comparison = find(document, "label:has(#compare)", HTMLElement);
    this.player = find(document, "#play", HTMLElement);
    for (const target of TARGETS) {
      this.watched[target].addEventListener("change", () => act.watch(target));
    }
    this.actions.addEventListener("change", () => {
      act.change({ greedy: this.actions.value === "greedy" });
    });
    this.cells.addEventListener("change", () => {
      act.change({ cells: /** @type {View["cells"]} */ (this.cells.value) });
    });
    this.compare.addEventListener("change", () => act.change({ compare: this.compare.checked }));
    this.seed.addEventListener("change", () => act.seed(this.seed.value));
    for (const name of /** @type {const} */ (["shuffle", "play", "another", "copy", "restart"])) {
      find(document, `#${name}`, HTMLElement).addEventListener("click", () => act[name]());
    }
  }

  /** @type {(view: View, comparable: boolean) => void} */
  draw(view, comparable) {
    for (const target of TARGETS) this.watched[target].checked = view.watched[target];
    this.actions.value = view.greedy ? "greedy" : "sampled";
    this.cells.value = view.cells;
    this.compare.checked = view.compare;
    this.seed.value = String(view.seed);
    setShown(this.comparison, comparable);
  }

  /** @param {boolean} playing */
  drawPlayer(playing) {
    setText(this.player, playing ? "Stop" : "Play");
  }
}
