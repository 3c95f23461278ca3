// The tables: who may act, what each would do, and how episodes end then.

import { numberText, percentText } from "../model/texts.js";
import { element, setText } from "../page/elements.js";
import { OutcomeBar } from "../page/figures.js";
import { TIMEOUT } from "./listing.js";

/** The colour of each outcome: the wanted ones of one colour, the others of another, the first
 * of them the strongest. @type {(listing: Listing) => string[]} */
export function outcomeColours({ outcomes, world }) {
  return outcomes.map((name) => {
    if (name === TIMEOUT) return "var(--edge)";
    const good = world.good.includes(name);
    const alike = world.targets.filter((other) => world.good.includes(other) === good);
    const strength = 100 - (60 * alike.indexOf(name)) / alike.length;
    return `color-mix(in oklab, var(--${good ? "good" : "unwanted"}) ${strength}%, var(--paper))`;
  });
}

/** A table with a row for each who may act, whose numbers change. */
class RowsTable {
  /** @param {string} caption @param {(Node | string)[][]} columns
   * @param {HTMLElement[]} heads What stands at the left of each row. */
  constructor(caption, columns, heads) {
    const titles = [["who acts"], ...columns];
    this.rows = heads.map((head) => {
      const cells = columns.map(() => element("td"));
      const node = element("tr", {}, element("th", { scope: "row" }, head), ...cells);
      return { node, cells };
    });
    this.node = element(
      "table",
      {},
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...titles.map((t) => element("th", { scope: "col" }, ...t)))),
      element("tbody", {}, ...this.rows.map(({ node }) => node)),
    );
  }

  /** Show texts; the chosen row stands out. @type {(texts: string[][], chosen: number) => void} */
  fill(texts, chosen) {
    this.rows.forEach(({ node, cells }, row) => {
      node.classList.toggle("chosen", row === chosen);
      cells.forEach((cell, column) => setText(cell, texts[row][column]));
    });
  }
}

/** Who may act, to choose from: the gate's weight on each, and how likely it takes each action. */
export class PerformerTable extends RowsTable {
  /** @param {Listing} listing @param {(who: number) => void} choose */
  constructor(listing, choose) {
    const gated = listing.performers.some(({ gate }) => gate);
    const columns = [...(gated ? [["gate"]] : []), ...listing.world.actions.map((name) => [name])];
    const inputs = listing.performers.map((_, who) => {
      const input = element("input", { type: "radio", name: "who", autocomplete: "off" });
      input.addEventListener("change", () => choose(who));
      return input;
    });
    const heads = listing.performers.map(({ title, deployed }, who) => {
      const badge = deployed ? [element("span", { class: "badge" }, "deployed")] : [];
      return element("span", { class: "title" }, element("label", {}, inputs[who], title), ...badge);
    });
    super("What everybody would do in this state", columns, heads);
    this.listing = listing;
    this.gated = gated;
    this.inputs = inputs;
  }

  /** @type {(state: number, chosen: number) => void} */
  draw(state, chosen) {
    const { performers } = this.listing;
    const shares = performers.map((_, who) => this.listing.probabilities(who, state));
    const texts = performers.map(({ gate }, who) => {
      const weight = this.gated ? [gate ? percentText(gate(state)) : ""] : [];
      return [...weight, ...shares[who].map((share) => percentText(share))];
    });
    this.fill(texts, chosen);
    this.inputs[chosen].checked = true;
    this.rows.forEach(({ cells }, who) => {
      shares[who].forEach((share, action) => {
        cells[action + Number(this.gated)].style.setProperty("--share", String(share));
      });
    });
  }
}

/** How episodes end for each who may act. */
export class ResultTable extends RowsTable {
  /** @param {Listing} listing @param {string} caption */
  constructor(listing, caption) {
    const { outcomes, performers } = listing;
    const colours = outcomeColours(listing);
    const columns = outcomes.map((name, place) => {
      const dot = element("span", { class: "dot" });
      dot.style.background = colours[place];
      return [dot, name === TIMEOUT ? "time-out" : name];
    });
    const bars = performers.map(() => new OutcomeBar(outcomes, colours));
    const heads = performers.map(({ title }, who) => element("div", {}, title, bars[who].node));
    super(caption, [...columns, ["return"], ["steps"]], heads);
    this.outcomes = outcomes;
    this.bars = bars;
  }

  /** @type {(results: Result[], chosen: number) => void} */
  draw(results, chosen) {
    const texts = results.map(({ rates, return: gained, steps }) => {
      const shares = this.outcomes.map((name) => percentText(rates[name]));
      return [...shares, numberText(gained), numberText(steps, 2)];
    });
    this.fill(texts, chosen);
    results.forEach(({ rates }, who) => this.bars[who].draw(rates));
  }
}
