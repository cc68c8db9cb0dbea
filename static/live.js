// Keeps the page true: hears by websocket what changed, fetches those pieces, says how fresh they are.
import { apply, parse } from "./patch.js";
import { tick, skew } from "./clock.js";

const data = document.body.dataset;
const watched = () => (data.watch ? data.watch.split(" ") : []);
const RAIL = ["workflows", "exceptions", "held", "failures", "sources"];
const WAITS = [1, 2, 4, 8, 15, 30];
const chip = document.getElementById("fresh");
const pauseButton = document.getElementById("pause");
const retryButton = document.getElementById("retry");

let wants = watched(), begun = false;
let socket, seq, tries = 0, again, heard = 0, freshness, lost = 0;
let paused = 0, missed = 0, dirty = false, railDirty = false, fetching = false, railAt = 0, failed = 0;
let hiddenAt = 0, asleep = false;

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false, timeZone: document.getElementById("tz")?.value || undefined });

function connect() {
  clearTimeout(again);
  again = 0;
  const mine = (socket = new WebSocket(location.origin.replace("http", "ws") + data.livePath));
  mine.onopen = () => {
    tries = 0;
    const wish = { watch: [...new Set([...wants, ...RAIL])] };
    // What happened between the rendering and the first connection is not known: look once.
    if (seq) wish.since = seq;
    else dirty = true;
    mine.send(JSON.stringify(wish));
    flush();
  };
  mine.onmessage = (message) => hear(JSON.parse(message.data));
  mine.onclose = () => {
    if (mine !== socket || asleep) return;
    lost ||= Date.now();
    const wait = WAITS[Math.min(tries++, WAITS.length - 1)] * (0.8 + Math.random() * 0.4);
    again = Date.now() + wait * 1000;
    setTimeout(() => again && mine === socket && connect(), wait * 1000);
    show();
  };
}

function hear(said) {
  heard = Date.now();
  lost = 0;
  again = 0;
  skew(Date.parse(said.at) - heard);
  freshness = said.freshness;
  seq = said.seq;
  const topics = said.topics || [];
  const mine = topics.some((topic) => wants.includes(topic));
  if (said.resync || mine) {
    dirty = true;
    missed += paused ? Math.max(1, topics.length) : 0;
  }
  if (said.resync || topics.some((topic) => RAIL.includes(topic))) railDirty = true;
  flush();
  show();
}

async function flush() {
  if (paused || fetching || document.hidden && asleep) return;
  fetching = true;
  try {
    if (dirty) {
      dirty = false;
      await piece(location.href);
    }
    if (railDirty && Date.now() - railAt > 5000) {
      railDirty = false;
      railAt = Date.now();
      await piece(data.railPath);
    }
    failed = 0;
  } catch {
    dirty = true;
    failed ||= Date.now();
  }
  fetching = false;
  show();
}

async function piece(url) {
  const answer = await fetch(url, { headers: { "X-Milepost-Piece": "live", "X-Milepost-Page": data.page }, credentials: "same-origin", signal: AbortSignal.timeout(15000) });
  if (!answer.ok) throw new Error(answer.status);
  const html = await answer.text();
  if (!paused) apply(parse(html));
}

// Live, Delayed, Stale, Paused: never a green that is not known to be so.
function state() {
  const now = Date.now();
  if (paused) return ["paused", `Paused ${clock(paused)} · ${missed} ${missed === 1 ? "change" : "changes"} waiting`];
  if (again) return ["stale", `Stale since ${clock(lost)} · again in ${Math.max(1, Math.round((again - now) / 1000))} s`];
  if (lost && now - lost > 3000) return ["stale", `Stale since ${clock(lost)}`];
  if (!heard) return ["still", chip.dataset.text];
  if (now - heard > 10000) return ["stale", `Stale since ${clock(heard)}`];
  if (freshness && !freshness.store_up) return ["stale", `Store away, data of ${clock(freshness.stored_ms)}`];
  if (failed && now - failed > 3000) return ["delayed", `Delayed, store to page`];
  const lag = freshness ? freshness.lag_ms : 0;
  if (lag > 30000) return ["stale", `Stale, ${Math.round(lag / 1000)} s behind`];
  if (lag > 5000) return ["delayed", `Delayed ${Math.round(lag / 1000)} s, us to store`];
  return ["live", "Live"];
}

function show() {
  const [name, text] = state();
  if (chip.dataset.state !== name) chip.dataset.state = name;
  const label = chip.querySelector(".chip-text");
  if (label.textContent !== text) label.textContent = text;
  document.body.classList.toggle("stale", name === "stale");
  retryButton.hidden = !(name === "stale" && again);
  tick(name === "stale");
}

export function pause() {
  paused = paused ? 0 : Date.now();
  missed = 0;
  pauseButton.setAttribute("aria-pressed", String(Boolean(paused)));
  pauseButton.querySelector("use").setAttribute("href", paused ? "#g-play" : "#g-pause");
  pauseButton.querySelector("span").textContent = paused ? "Resume" : "Pause";
  if (!paused) flush();
  show();
}

// A tab that nobody sees for a minute lets its connection go, and looks once when it is seen again.
function visible() {
  if (document.hidden) {
    hiddenAt = Date.now();
    return;
  }
  hiddenAt = 0;
  if (asleep) {
    asleep = false;
    dirty = railDirty = true;
    connect();
  }
}

function begin() {
  begun = true;
  chip.dataset.text = chip.querySelector(".chip-text").textContent;
  pauseButton.hidden = false;
  pauseButton.addEventListener("click", pause);
  retryButton.addEventListener("click", connect);
  document.addEventListener("visibilitychange", visible);
  addEventListener("online", () => again && connect());
  setInterval(() => {
    if (hiddenAt && !asleep && Date.now() - hiddenAt > 60000) {
      asleep = true;
      socket.close();
    }
    if (dirty || railDirty) flush();
    show();
  }, 1000);
  connect();
}

if (wants.length) begin();

// Another page is shown in the same place: it watches something else, and is looked at once.
document.addEventListener("place", () => {
  wants = watched();
  if (!begun) return wants.length && begin();
  dirty = true;
  const before = socket;
  connect();
  before.close();
});
