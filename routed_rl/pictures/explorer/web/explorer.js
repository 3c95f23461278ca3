// The page: the view, what changes it, and what is drawn when it has changed.

import { answer, endingInWords, rollout, story } from "./model/answers.js";
import { Policy } from "./model/policy.js";
import { mapFigures, valuesAt } from "./model/values.js";
import { capital } from "./model/texts.js";
import { PIECES } from "./model/world.js";
import { readSeed, writeAddress } from "./page/address.js";
import { copyText } from "./page/clipboard.js";
import { Controls } from "./page/controls.js";
import { actorName } from "./page/dial.js";
import { find, setShown, setText } from "./page/elements.js";
import { viewToWords, wordsToView } from "./page/link.js";
import { Panel } from "./page/panel.js";
import { Player } from "./page/player.js";
import { firstView, pieceAt } from "./page/view.js";

const SPOKEN_AFTER = 600; // Milliseconds of rest, so that a screen reader hears no half drags.
/** @type {(name: string) => HTMLElement} */
const byId = (name) => find(document, `#${name}`, HTMLElement);
/** @type {{ discount: number, policies: PolicyRecord[] }} */
const content = JSON.parse(byId("policies").textContent ?? "");
const policies = content.policies.map((record) => new Policy(record));
const link = find(document, "#link", HTMLInputElement);
const comparable =
  policies.length > 1 || policies[0].several || policies[0].stages.length > 1;

let view = firstView(policies);
/** @type {Answer[]} */
let answers = [];
/** @type {number | null} */
let frame = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let spoken;
/** @type {typeof spoken} */
let written;

/** Say something to people who listen, and show it. @type {(text: string) => void} */
function announce(text) {
  setText(byId("live"), text);
}

/** Change the view; a rollout that is shown belongs to the old one and goes.
 * @type {(news: Partial<View>) => void} */
function change(news) {
  view = { ...view, ...news };
  if (player.paths) player.stop();
  setText(byId("notice"), "");
  setShown(link, false);
  frame ??= requestAnimationFrame(draw);
}

/** @type {BoardActs & ControlActs} */
const act = {
  view: () => view,
  change,
  move(piece, cell) {
    if (pieceAt(view, cell) !== undefined) act.refuse(piece);
    else change({ [piece]: cell });
  },
  refuse: (piece) => announce(`The ${piece} cannot go there.`),
  watch(target) {
    change({ watched: { ...view.watched, [target]: !view.watched[target] } });
  },
  seed(text) {
    const seed = readSeed(text);
    if (seed !== null) change({ seed });
    else {
      draw();
      setText(byId("notice"), "A seed is a whole number from 0 to 4294967295.");
    }
  },
  shuffle() {
    const cells = [...policies[0].world.next.keys()].slice(0, policies[0].world.cells);
    const places = PIECES.map((piece) => {
      const [cell] = cells.splice(Math.floor(Math.random() * cells.length), 1);
      return [piece, cell];
    });
    change(Object.fromEntries(places));
  },
  play() {
    if (player.playing) player.stop();
    else playRollouts();
  },
  another() {
    change({ seed: (view.seed + 1) % 2 ** 32 });
    draw();
    playRollouts();
  },
  async copy() {
    writeLink();
    link.value = location.href;
    setShown(link, true);
    const copied = await copyText(location.href, link);
    const text = copied ? "The link to this view is copied." : "Copy the link from the field.";
    setText(byId("notice"), text);
  },
  restart() {
    change(firstView(policies));
  },
};

/** The sides that are shown. */
const sides = () => (view.compare && comparable ? [0, 1] : [0]);

/** Change who acts on one side. @type {(side: number, news: Partial<Actor>) => void} */
function changeActor(side, news) {
  change({
    actors: view.actors.map((actor, index) => (index === side ? { ...actor, ...news } : actor)),
  });
}

const panels = [0, 1].map(
  (side) => new Panel(side, policies, act, (news) => changeActor(side, news)),
);
byId("panels").append(...panels.map((panel) => panel.node));
const controls = new Controls(act);
/** @type {Player<Path[]>} */
const player = new Player(showRollouts, (paths) => {
  const endings = paths.map((path, index) => `${sideName(sides()[index])}: ${endingInWords(path)}`);
  announce(`${endings.join(". ")}.`);
});

/** Play a rollout of the view's seed on each side. */
function playRollouts() {
  if (frame !== null) draw();
  const paths = rollouts();
  player.play(paths, Math.max(...paths.map(({ cells }) => cells.length - 1)));
}

const rollouts = () =>
  sides().map((side) => rollout(policyOf(side).world, view, answers[side].followed));

function showRollouts() {
  controls.drawPlayer(player.playing);
  panels.forEach((panel, side) => panel.drawRollout(player.paths?.[side], player.steps));
}

/** @type {(side: number) => Policy} */
const policyOf = (side) => policies[view.actors[side].policy];

/** Who acts on a side, for sentences. @type {(side: number) => string} */
function sideName(side) {
  const policy = policyOf(side);
  const name = actorName(policy, view.actors[side]);
  const owner = policies.length > 1 ? `${policy.name}'s ` : "the ";
  return owner + name;
}

/** Compute what the view shows, and show it. */
function draw() {
  if (frame !== null) cancelAnimationFrame(frame);
  frame = null;
  answers = sides().map((side) => answer(policyOf(side), content.discount, view, view.actors[side]));
  controls.draw(view, comparable);
  panels.forEach((panel, side) => {
    setShown(panel.node, side < answers.length);
    if (side < answers.length) panel.draw(view, view.actors[side], answers[side]);
  });
  byId("panels").classList.toggle("two", answers.length > 1);
  const shown = answers.map(({ values }, side) => {
    return { name: sideName(side), figures: valuesAt(values, view.agent) };
  });
  const text = story(policies[0].world, view, shown);
  setText(byId("story"), capital(text));
  rest(text);
}

/** When the user rests: say what is seen, and keep the address at this view.
 * @type {(text: string) => void} */
function rest(text) {
  clearTimeout(spoken);
  clearTimeout(written);
  spoken = setTimeout(() => announce(text), SPOKEN_AFTER);
  written = setTimeout(writeLink, SPOKEN_AFTER / 2);
}

const writeLink = () => writeAddress(viewToWords(view));

/** Show the view of the address, or say why it cannot be shown. */
function readLink() {
  const words = location.hash.slice(1);
  if (!words || words === viewToWords(view)) return;
  try {
    change(wordsToView(words, policies));
  } catch (error) {
    change(firstView(policies));
    const reason = error instanceof Error ? error.message : error;
    setText(byId("notice"), `The link cannot be used here (${reason}): this is the first view.`);
  }
}

window.addEventListener("hashchange", readLink);
const title = `Explorer: ${policies.map(({ name }) => name).join(" and ")}`;
document.title = title;
setText(byId("title"), title);
setText(byId("rules"), rules());
readLink();
draw();

/** What all figures are computed with. */
function rules() {
  const steps = [...new Set(policies.map(({ world }) => world.maxSteps))].join(" or ");
  return (
    `Exact, over every path of at most ${steps} steps: the probability of each ending, the return ` +
    `(+1 diamond, -1 ghost, discount ${content.discount}) and the mean number of steps.`
  );
}

/** For programs: the same numbers that are shown, unrounded. */
window.explorer = {
  view: () => structuredClone(view),
  show(/** @type {string} */ words) {
    change(wordsToView(words, policies));
    draw();
  },
  /** For each side: exact figures from every start cell (NaN on the targets), and who decides. */
  figures: () =>
    answers.map(({ values, probabilities, weights }) => ({
      ...mapFigures(values, (numbers) => Array.from(numbers)),
      probabilities: Array.from(probabilities),
      weights,
    })),
  rollouts,
  draw,
};
