// Figures as people read them.

const percent = (share) => `${(100 * share).toFixed(1)}%`;

const COLUMNS = [
  ["diamond", "diamond", percent],
  ["ghost", "ghost", percent],
  ["timeout", "time-out", percent],
  ["return", "return", (value) => value.toFixed(3)],
  ["steps", "steps", (value) => value.toFixed(2)],
];

/** A table of figures whose numbers change, with a row for each name. */
class FigureTable {
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

  /** Show rows: each a name and its figures. */
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
class OutcomeBar {
  constructor() {
    this.parts = ["diamond", "timeout", "ghost"].map((name) => [
      name,
      element("span", { class: `part ${name}` }),
    ]);
    this.node = element("div", { class: "bar", "aria-hidden": "true" });
    this.node.append(...this.parts.map(([, part]) => part));
  }

  draw(figures) {
    for (const [name, part] of this.parts) part.style.width = percent(figures[name]);
  }
}

/** How an episode most likely ends, in words. */
function likeliestEnding(figures) {
  const names = { diamond: "on the diamond", ghost: "on the ghost", timeout: "in a time-out" };
  const [best] = Object.keys(names).sort((one, other) => figures[other] - figures[one]);
  return `${names[best]} in ${percent(figures[best])}`;
}
