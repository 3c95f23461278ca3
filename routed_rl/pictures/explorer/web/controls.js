// The controls that both sides share.

/** Connects the page's own controls with the view. `act` is what they can do. */
class Controls {
  constructor(act) {
    this.find = (name) => document.getElementById(name);
    for (const target of ["diamond", "ghost"]) {
      this.find(`watch-${target}`).addEventListener("change", () => act.watch(target));
    }
    this.changes("actions", (value) => act.change({ greedy: value === "greedy" }));
    this.changes("cells", (cells) => act.change({ cells }));
    this.find("compare").addEventListener("change", (event) => {
      act.change({ compare: event.target.checked });
    });
    this.find("seed").addEventListener("change", (event) => act.seed(event.target.value));
    for (const name of ["shuffle", "play", "another", "copy", "restart"]) {
      this.find(name).addEventListener("click", () => act[name]());
    }
  }

  changes(name, use) {
    this.find(name).addEventListener("change", (event) => use(event.target.value));
  }

  draw(view, comparable) {
    for (const target of ["diamond", "ghost"]) {
      this.find(`watch-${target}`).checked = view.watched[target];
    }
    this.find("actions").value = view.greedy ? "greedy" : "sampled";
    this.find("cells").value = view.cells;
    this.find("compare").checked = view.compare;
    this.find("seed").value = view.seed;
    setShown(this.find("compare").parentElement, comparable);
  }

  drawPlayer(playing) {
    setText(this.find("play"), playing ? "Stop" : "Play");
  }
}

/** Put a text on the clipboard; false if the browser does not let us. */
async function copyText(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.select(); // Older ways, and pages that may not use the clipboard.
    return document.execCommand("copy");
  }
}
