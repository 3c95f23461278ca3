// The moment that is shown: its picture, what can be done in it, and the way that led there.

import { percentText } from "../model/texts.js";
import { element, find, setAttributes, setShown, setText } from "../page/elements.js";
import { endingName } from "./listing.js";

const SMALL = 320; // Pixels; the dots of smaller pictures are enlarged as they are.
/** Keys that take the action of that name. */
export const ARROW_NAMES = /** @type {Record<string, string>} */ ({
  ArrowUp: "up",
  ArrowRight: "right",
  ArrowDown: "down",
  ArrowLeft: "left",
});

/** Draws one moment of an episode. */
export class Scene {
  /** @param {Listing} listing @param {StatesContent} content @param {StatesActs} act */
  constructor(listing, content, act) {
    this.listing = listing;
    this.content = content;
    this.act = act;
    this.endings = endingPlaces(listing);
    this.picture = this.image("picture");
    this.seen = this.image("seen-picture");
    this.buttons = listing.world.actions.map((name, action) => this.makeButton(name, action));
    find(document, "#actions", HTMLElement).append(...this.buttons.map(({ node }) => node));
    this.path = find(document, "#path", HTMLElement);
    setShown(find(document, ".look", HTMLElement), content.pictures !== null);
    setShown(find(document, ".seen", HTMLElement), content.seen !== null);
  }

  /** @param {string} id */
  image(id) {
    const image = find(document, `#${id}`, HTMLImageElement);
    image.addEventListener("load", () => {
      image.classList.toggle("small", image.naturalWidth < SMALL);
    });
    return image;
  }

  /** @param {string} name @param {number} action */
  makeButton(name, action) {
    const fill = element("span", { class: "fill" });
    const share = element("span", { class: "share" });
    const after = element("span", { class: "after" });
    const key = Object.keys(ARROW_NAMES).find((arrow) => ARROW_NAMES[arrow] === name);
    const keys = { ArrowUp: "↑", ArrowRight: "→", ArrowDown: "↓", ArrowLeft: "←" };
    const shown = key ? keys[/** @type {keyof typeof keys} */ (key)] : action < 10 ? String(action) : "";
    const node = element(
      "button",
      { type: "button", class: "action" },
      element("span", { class: "name" }, name),
      element("kbd", { "aria-hidden": "true" }, shown),
      share,
      element("span", { class: "track", "aria-hidden": "true" }, fill),
      after,
    );
    node.addEventListener("click", () => this.act.take(action));
    return { node, fill, share, after };
  }

  /** @type {(view: StatesView, shown: Walk) => void} */
  draw(view, shown) {
    const { listing } = this;
    const state = shown.states[shown.states.length - 1];
    this.drawLooks(state, shown);
    this.buttons.forEach(({ node, fill, share, after }, action) => {
      const probability = listing.probabilities(view.who, state)[action];
      setText(share, percentText(probability));
      fill.style.width = `${100 * probability}%`;
      setText(after, listing.change(state, action));
      node.disabled = shown.ending !== null;
    });
    this.drawPath(shown);
  }

  /** @type {(state: number, shown: Walk) => void} */
  drawLooks(state, { states, actions }) {
    const { pictures, seen } = this.content;
    const name = this.listing.stateName(state);
    const { world } = this.listing;
    const last = actions[actions.length - 1];
    // What ends an episode leads to no state of the list: the one before it is the last.
    const over = states.length === actions.length;
    const ended = over ? this.endings.get(state * world.actions.length + last) : undefined;
    const then = ended === undefined ? "" : `, then ${world.actions[last]}`;
    setText(find(document, "#state", HTMLElement), name + then);
    if (pictures) {
      const thing = ended === undefined ? state : world.states + ended;
      show(this.picture, pictures, thing, name + then);
    }
    if (seen) show(this.seen, seen, state, `What the agent sees: ${name}`);
  }

  /** The way: each step goes back to the moment after it. @type {(shown: Walk) => void} */
  drawPath({ actions, ending }) {
    const { world } = this.listing;
    const names = ["start", ...actions.map((action) => world.actions[action])];
    const last = names.length - 1;
    const moments = names.map((name, step) => {
      const button = element("button", { type: "button" }, name);
      setAttributes(button, { "aria-current": step === last ? "step" : null });
      button.addEventListener("click", () => this.act.change({ actions: actions.slice(0, step) }));
      return element("li", {}, button);
    });
    this.path.replaceChildren(...moments);
    for (const id of ["back", "restart"]) {
      find(document, `#${id}`, HTMLButtonElement).disabled = last === 0;
    }
    const steps = ` after ${last} ${last === 1 ? "step" : "steps"}`;
    const count = `step ${last} of at most ${world.maxSteps}`;
    setText(find(document, "#ending", HTMLElement), ending ? endingName(ending, steps) : count);
    find(document, ".scene", HTMLElement).dataset.ended = ending?.outcome ?? "";
  }
}

/** Which ending, of those in the order of states and actions, belongs to a state and an action.
 * @type {(listing: Listing) => Map<number, number>} */
function endingPlaces({ next }) {
  const ended = [...next.keys()].filter((place) => next[place] < 0);
  return new Map(ended.map((place, index) => [place, index]));
}

/** @type {(image: HTMLImageElement, album: Album, thing: number, name: string) => void} */
function show(image, { images, places }, thing, name) {
  const source = `data:image/png;base64,${images[places[thing]]}`;
  if (image.src !== source) image.src = source;
  image.alt = name;
}
