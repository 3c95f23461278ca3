// The controls: where episodes start, and how they are played.

import { element, fillSelect, find, setText } from "../page/elements.js";

/** Connects the controls with the view. */
export class Choices {
  /** @param {Listing} listing @param {StatesActs} act
   * @param {Record<string, () => void>} buttons What they do, by their ids.
   * @param {(text: string) => void} seed Takes what was written as the seed. */
  constructor(listing, act, buttons, seed) {
    this.listing = listing;
    this.act = act;
    this.start = 0;
    this.fields = listing.fields.flatMap((_, field) => this.makeField(field));
    this.level = find(document, "#level", HTMLSelectElement);
    fillSelect(this.level, levelNames(listing), 0);
    this.seed = find(document, "#seed", HTMLInputElement);
    this.player = find(document, "#play", HTMLElement);
    this.level.addEventListener("change", () => act.change({ level: Number(this.level.value) }));
    this.seed.addEventListener("change", () => seed(this.seed.value));
    for (const [id, press] of Object.entries(buttons)) {
      find(document, `#${id}`, HTMLElement).addEventListener("click", press);
    }
  }

  /** A choice among the values that a field has in the starts, if there is any.
   * @param {number} field */
  makeField(field) {
    const { listing } = this;
    const { name, values } = listing.fields[field];
    const codes = [...new Set(listing.starts.map((state) => listing.code(field, state)))];
    if (codes.length < 2) return [];
    codes.sort((one, other) => one - other);
    const select = element("select", { autocomplete: "off" });
    select.append(...codes.map((code) => element("option", { value: code }, values[code])));
    select.addEventListener("change", () => {
      const start = listing.similarStart(this.start, field, Number(select.value));
      this.act.change({ start, actions: [] });
    });
    find(document, "#starts", HTMLElement).append(element("label", {}, name, select));
    return [{ field, select }];
  }

  /** @param {StatesView} view */
  draw({ start, seed, level }) {
    this.start = start;
    for (const { field, select } of this.fields) {
      select.value = String(this.listing.code(field, start));
    }
    this.level.value = String(level);
    this.seed.value = String(seed);
  }

  /** @param {boolean} playing */
  drawPlayer(playing) {
    setText(this.player, playing ? "Stop" : "Play");
  }
}

/** Degrees of oversight in words. @type {(listing: Listing) => string[]} */
function levelNames({ levels, policies }) {
  return levels.map((level) => {
    const trained = policies.filter((policy) => policy.trained === level).map(({ name }) => name);
    const training = trained.length === policies.length ? "training" : `training of ${trained[0]}`;
    const meanings = [];
    if (level === 0) meanings.push("nobody watches");
    if (level === 1) meanings.push("all is watched");
    if (trained.length) meanings.push(`as in ${training}`);
    return meanings.length ? `${level} (${meanings.join(", ")})` : String(level);
  });
}
