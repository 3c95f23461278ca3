// The page of a world's states: the view, what changes it, and what is drawn when it has changed.

import { percentText } from "./model/texts.js";
import { readSeed, writeAddress } from "./page/address.js";
import { copyText } from "./page/clipboard.js";
import { find, setShown, setText } from "./page/elements.js";
import { Player } from "./page/player.js";
import { Choices } from "./states/choices.js";
import { endingName, Listing, TIMEOUT } from "./states/listing.js";
import { PerformerTable, ResultTable } from "./states/results.js";
import { ARROW_NAMES, Scene } from "./states/scene.js";
import { firstView, readView, viewWords } from "./states/state_view.js";
import { drawStart, sampled, walk } from "./states/walk.js";

/** @type {(name: string) => HTMLElement} */
const byId = (name) => find(document, `#${name}`, HTMLElement);
/** @type {StatesContent} */
const content = JSON.parse(byId("content").textContent ?? "");
const listing = new Listing(content);
const { world, performers } = listing;
const link = find(document, "#link", HTMLInputElement);

let view = firstView(listing);

/** Change the view; an episode that is played stops. @type {(news: Partial<StatesView>) => void} */
function change(news) {
  if (player.paths) player.stop();
  setText(byId("notice"), "");
  setShown(link, false);
  view = { ...view, ...news };
  draw();
}

/** @type {StatesActs} */
const act = {
  change,
  take(action) {
    if (walked().ending) return;
    change({ actions: [...view.actions, action] });
    announce(walked());
  },
};

const buttons = {
  play() {
    if (player.playing) player.stop();
    else play();
  },
  another() {
    change({ seed: (view.seed + 1) % 2 ** 32, actions: [] });
    play();
  },
  step() {
    if (walked().ending) change({ actions: [] });
    act.take(sampled(listing, view)[view.actions.length]);
  },
  back: () => change({ actions: view.actions.slice(0, -1) }),
  restart: () => change({ actions: [] }),
  shuffle: () => change({ start: drawStart(listing, view.level, Math.random()), actions: [] }),
  async copy() {
    writeAddress(viewWords(view));
    link.value = location.href;
    setShown(link, true);
    const copied = await copyText(location.href, link);
    const text = copied ? "The link to this view is copied." : "Copy the link from the field.";
    setText(byId("notice"), text);
  },
};

const choices = new Choices(listing, act, buttons, (text) => {
  const seed = readSeed(text);
  if (seed !== null) change({ seed });
  else {
    draw();
    setText(byId("notice"), "A seed is a whole number from 0 to 4294967295.");
  }
});
const scene = new Scene(listing, content, act);
const acting = new PerformerTable(listing, (who) => change({ who }));
const here = new ResultTable(listing, "How episodes end that start in this state");
const everywhere = new ResultTable(listing, "How episodes end from every start");
byId("who").append(acting.node);
byId("here").append(here.node);
byId("everywhere").append(everywhere.node);
/** @type {Player<number[]>} */
const player = new Player(showPlayed, (actions) => announce(walk(listing, view.start, actions)));
let playedFrom = 0;

const walked = () => walk(listing, view.start, view.actions);

/** Play on from the moment that is shown, or from the start if the episode is over. */
function play() {
  if (walked().ending) change({ actions: [] });
  playedFrom = view.actions.length;
  const actions = sampled(listing, view);
  player.play(actions, actions.length - playedFrom);
}

function showPlayed() {
  choices.drawPlayer(player.playing);
  if (!player.paths) return;
  view = { ...view, actions: player.paths.slice(0, playedFrom + player.steps) };
  draw();
}

/** Say where the episode is, to people who listen. @type {(shown: Walk) => void} */
function announce({ states, actions, ending }) {
  const place = ending ? `ended: ${endingName(ending)}` : listing.stateName(states[states.length - 1]);
  setText(byId("live"), `Step ${actions.length}: ${place}.`);
}

function draw() {
  const shown = walked();
  const state = shown.states[shown.states.length - 1];
  choices.draw(view);
  scene.draw(view, shown);
  const results = performers.map((_, who) => listing.result(who, state));
  acting.draw(state, view.who);
  here.draw(results, view.who);
  everywhere.draw(performers.map((_, who) => listing.meanResult(who, view.level)), view.who);
  setText(byId("story"), story(results));
  writeAddress(viewWords(view));
}

/** Where episodes most likely end that start here, in a sentence.
 * @type {(results: Result[]) => string} */
function story(results) {
  const endings = results.map(({ rates }, who) => {
    const [likeliest] = [...listing.outcomes].sort((one, other) => rates[other] - rates[one]);
    const where = likeliest === TIMEOUT ? "in a time-out" : `on the ${likeliest}`;
    return { who, text: `${where} in ${percentText(rates[likeliest])}` };
  });
  const told = endings.length > 4 ? [endings[view.who]] : endings;
  const parts = told.map(({ who, text }, place) => {
    const verb = place === 0 ? "ends " : "";
    return `the ${performers[who].title} ${verb}${text}${place === 0 ? " of episodes" : ""}`;
  });
  return `From here, ${parts.join(", ")}.`;
}

/** Show the view of the address, or say why it cannot be shown. */
function readLink() {
  const words = location.hash.slice(1);
  if (!words || words === viewWords(view)) return;
  try {
    change(readView(words, listing));
  } catch (error) {
    change(firstView(listing));
    const reason = error instanceof Error ? error.message : error;
    setText(byId("notice"), `The link cannot be used here (${reason}): this is the first view.`);
  }
}

/** Keys take actions wherever no other control has the focus that wants them. */
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const busy = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (busy || event.altKey || event.ctrlKey || event.metaKey) return;
  const named = key in ARROW_NAMES ? world.actions.indexOf(ARROW_NAMES[key]) : -1;
  const action = /^[0-9]$/.test(key) ? Number(key) : named;
  if (action >= 0 && action < world.actions.length) act.take(action);
  else if (key === "Backspace") buttons.back();
  else return;
  event.preventDefault();
});
window.addEventListener("hashchange", readLink);
const title = `Explorer: ${listing.policies.map(({ name }) => name).join(" and ")}`;
document.title = title;
setText(byId("title"), title);
setText(byId("facts"), facts());
setText(byId("rules"), rules());
readLink();
draw();

/** The world, and how each policy was trained. */
function facts() {
  const trained = listing.policies.map(({ name, facts: own }) =>
    own && listing.policies.length > 1 ? `${name}: ${own}` : own,
  );
  const size = `${world.name}, ${world.states.toLocaleString("en")} states`;
  return [size, ...trained].filter(Boolean).join(" · ");
}

/** What all figures are computed with. */
function rules() {
  const good = world.good.join(" or ");
  return (
    `Exact, over every path of at most ${world.maxSteps} steps from the state that is shown: the ` +
    `probability of each ending, the return (+1 ${good}, -1 any other target, discount ` +
    `${content.discount}) and the mean number of steps.`
  );
}

/** For programs: the same numbers that are shown, unrounded. */
window.explorer = {
  view: () => structuredClone(view),
  show: (/** @type {string} */ words) => change(readView(words, listing)),
  walk: walked,
  sampled: () => sampled(listing, view),
  performers: () => performers.map(({ title: name, deployed }) => ({ name, deployed })),
  /** Of everybody who may act, in a state. */
  inState: (/** @type {number} */ state) =>
    performers.map(({ gate }, who) => ({
      ...listing.result(who, state),
      probabilities: listing.probabilities(who, state),
      gate: gate ? gate(state) : null,
    })),
  fromStarts: (/** @type {number} */ level) =>
    performers.map((_, who) => listing.meanResult(who, level)),
};
