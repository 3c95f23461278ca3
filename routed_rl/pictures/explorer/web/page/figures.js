// Figures as people read them.

import { numberText, percentText } from "../model/texts.js";
import { element, setText } from "./elements.js";

/** @type {[key: Figure, title: string, shown: (value: number) => string][]} */
const COLUMNS = [
  ["diamond", "diamond", percentText],
  ["ghost", "ghost", percentText],
  ["timeout", "timeout", percentText],
  ["return", "return", numberText],
  ["steps", "steps", (value) => numberText(value, 2)],
];

/** A table of figures whose numbers change, with a row for each name. */
export class FigureTable {
  /** @param {string} caption @param {string} first */
  constructor(caption, first) {
    const heads = COLUMNS.map(([, title]) => element("th", { scope: "col" }, title));
    this.body = element("tbody");
    this.node = element(
      "table",
      {},
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, first), ...heads)),
      this.body,
    );
  }

  /** Show rows: each a name and its figures.
   * @type {(rows: [name: string, figures: Figures][]) => void} */
  draw(rows) {
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1);
    while (this.body.rows.length < rows.length) {
      const cells = COLUMNS.map(([name]) => element("td", { class: name }));
      this.body.append(element("tr", {}, element("th", { scope: "row" }), ...cells));
    }
    rows.forEach(([name, figures], index) => {
      const [head, ...cells] = this.body.rows[index].cells;
      setText(head, name);
      COLUMNS.forEach(([key, , shown], column) => setText(cells[column], shown(figures[key])));
    });
  }
}

/** A bar whose parts are how episodes end. */
export class OutcomeBar {
  /** @param {string[]} outcomes In the order of the parts. @param {string[]} colours */
  constructor(outcomes, colours) {
    this.parts = outcomes.map((name, place) => {
      const part = element("span");
      part.style.background = colours[place];
      return { name, part };
    });
    this.node = element("div", { class: "bar", "aria-hidden": "true" });
    this.node.append(...this.parts.map(({ part }) => part));
  }

  /** @param {Record<string, number>} shares Of each outcome, from 0 to 1. */
  draw(shares) {
    for (const { name, part } of this.parts) part.style.width = `${100 * shares[name]}%`;
  }
}
