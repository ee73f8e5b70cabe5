/* The page: asks for what is new, keeps the list of runs, and has the rest drawn. */
import { Board } from "./charts.js";
import { axis, figures } from "./figures.js";
import { alarms, events, neighbours, tables, unlike } from "./panels.js";
import { enlarge, Player } from "./samples.js";
import { commas, make, put, short, time } from "./words.js";

const LOOK_EVERY = 1000;  // milliseconds
const $ = id => document.getElementById(id);
const lines = new Map();  // name -> {item, and its parts} in the list
const runs = new Map();  // name -> a chosen run and all that is known of it
const players = new Map();
const board = new Board();
const chosen = new Set(new URLSearchParams(location.hash.slice(1)).getAll("run"));
let began = false;

class Lost extends Error {}

/* What is at an address, null where there is nothing. Lost: no answer, or none that can be used. */
async function ask(address) {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(60000) });
    if (answer.status === 404) return null;
    if (answer.ok) return await answer.json();
  } catch {  // the same is said of every reason
  }
  throw new Lost(address);
}

/* Look again and again, never twice at once; a hidden page waits until it is seen. */
async function watch() {
  try {
    if (!document.hidden) await lookOnce();
    put($("link"), "live");
    $("link").className = "live";
  } catch (error) {
    const lost = error instanceof Lost;
    if (!lost) console.error(error);
    put($("link"), lost ? "No answer. Is `sparring watch` still running?" : "This page has failed; reload it.");
    $("link").className = "lost";
  }
  setTimeout(watch, LOOK_EVERY);
}

let looking = Promise.resolve();
function lookOnce() {
  looking = looking.catch(() => {}).then(look);
  return looking;
}

async function look() {
  const { folder, runs: listed } = await ask("/api/runs");
  put($("folder"), folder);
  $("no-runs").hidden = listed.length > 0;
  if (!began && listed.length) {
    began = true;
    if (!listed.some(line => chosen.has(line.name))) chosen.add(listed[0].name);
  }
  for (const name of chosen) if (began && !listed.some(line => line.name === name)) chosen.delete(name);
  writeList(listed);
  let changed = forgetRuns();
  for (const line of listed.filter(line => chosen.has(line.name))) changed = await readOn(line) || changed;
  if (changed) draw();
}

/* Drop the runs that are no longer chosen. */
function forgetRuns() {
  const gone = [...runs.keys()].filter(name => !chosen.has(name));
  for (const name of gone) {
    runs.delete(name);
    players.get(name)?.stop();
    players.get(name)?.box.remove();
    players.delete(name);
  }
  return gone.length > 0;
}

const blank = () => ({ curves: new Map(), evaluations: [], alarms: [], marks: [], damaged: 0, checkups: 0 });

/* Ask for what is new in a chosen run. -> whether anything is. */
async function readOn(line) {
  const used = new Set([...runs.values()].map(run => run.colour));
  const free = [...Array(used.size + 1).keys()].find(colour => !used.has(colour));
  const run = runs.get(line.name) ?? { name: line.name, cursor: "", samples: [], ...blank(), colour: free };
  const news = await ask(`/api/runs/${encodeURIComponent(line.name)}?cursor=${encodeURIComponent(run.cursor)}`);
  if (!news || !chosen.has(line.name)) return false;
  const first = !runs.has(line.name), same = news.cursor === run.cursor && news.neighbours === run.neighbours;
  if (!first && same && JSON.stringify(news.samples) === JSON.stringify(run.samples)) {
    run.line = line;
    return false;
  }
  runs.set(line.name, run);
  if (news.anew) Object.assign(run, blank());
  for (const curve of news.curves) append(run.curves, curve);
  for (const kind of ["evaluations", "alarms", "marks"]) run[kind].push(...news[kind]);
  run.damaged += news.damaged;
  run.checkups += news.checkups;
  Object.assign(run, { line, cursor: news.cursor, samples: news.samples, neighbours: news.neighbours });
  return true;
}

function append(curves, { group, chart, name, ...columns }) {
  const key = JSON.stringify([group, chart, name]), known = curves.get(key);
  if (!known) return curves.set(key, { group, chart, name, ...columns });
  for (const [column, values] of Object.entries(columns)) known[column].push(...values);
}

function draw() {
  const shown = [...runs.values()], several = shown.length > 1;
  const found = figures(shown), any = list => list.length > 0;
  $("choose").hidden = any(shown) || !lines.size;
  $("view").hidden = !any(found.training) && !any(found.quality);
  writeNotes(shown);
  $("alarms").hidden = !shown.some(run => run.alarms.length);
  renew("alarms", shown.map(run => [run.name, run.alarms]), () => alarms($("alarm-list"), shown));
  drawGrids(shown, several);
  $("training").hidden = !any(found.training);
  $("quality").hidden = !shown.some(run => run.evaluations.length);
  renew("events", shown.map(run => [run.name, run.marks]), () => events($("events"), shown));
  renew("tables", shown.map(run => [run.name, run.evaluations]), () => tables($("tables"), shown));
  $("unlike").hidden = !unlike(shown);
  $("neighbours").hidden = !neighbours($("neighbour-list"), shown);
  Object.assign(board, axis(shown, board.axis));
  board.show(["training", "quality"].map(part => [document.querySelector(`#${part} .charts`), found[part]]));
  for (const [name, { dot }] of lines) {
    dot.hidden = !several || !runs.has(name);
    if (!dot.hidden) dot.style.background = `var(--c${runs.get(name).colour % 7})`;
  }
}

/* Build a part of the page anew only when its contents change, so that what is being read or copied stays. */
const built = {};
function renew(part, contents, build) {
  const state = JSON.stringify(contents);
  if (state !== built[part]) build();
  built[part] = state;
}

function drawGrids(shown, several) {
  const drawn = shown.filter(run => run.samples.length);
  $("grids").hidden = !drawn.length;
  for (const run of drawn) {
    if (!players.has(run.name)) {
      players.set(run.name, new Player());
      $("grid-list").append(players.get(run.name).box);
    }
    players.get(run.name).show(run, several);
  }
}

/* What is missing or damaged, in small print. */
function writeNotes(shown) {
  const notes = [];
  for (const run of shown) {
    const lines = run.damaged === 1 ? "1 damaged line" : `${commas(run.damaged)} damaged lines`;
    if (run.damaged) notes.push(`${run.name}: ${lines} of log.jsonl passed over.`);
    if (!run.curves.size) notes.push(`${run.name}: log.jsonl holds no report yet.`);
    if (!run.samples.length) notes.push(`${run.name}: there are no sample grids yet.`);
  }
  const calm = shown.filter(run => run.checkups && !run.alarms.length);
  const counted = calm.map(run => `${run.name} (${commas(run.checkups)} checkups)`);
  if (calm.length) notes.push(`No alarms: ${counted.join(", ")}.`);
  renew("notes", notes, () => {
    $("notes").replaceChildren();
    for (const note of notes) make("p", $("notes"), {}, note);
  });
}

function writeList(listed) {
  const names = new Set(listed.map(line => line.name));
  for (const [name, line] of lines) {
    if (names.has(name)) continue;
    line.item.remove();
    lines.delete(name);
  }
  for (const line of listed) writeLine(lines.get(line.name) ?? openLine(line.name), line);
  const order = listed.map(line => lines.get(line.name).item);
  if (order.some((item, i) => $("runs").children[i] !== item)) $("runs").append(...order);
}

function openLine(name) {
  const item = make("li", $("runs")), label = make("label", item), box = make("input", label, { type: "checkbox" });
  const title = make("span", label, { class: "name" }), dot = make("i", title, { class: "dot", "aria-hidden": true });
  dot.hidden = true;
  make("span", title, {}, name);
  const row = make("span", label, { class: "more" }), state = make("span", row, { class: "state" });
  const line = { item, box, dot, state, alarms: make("span", row, { class: "alarmed" }) };
  line.what = make("span", label, { class: "more" });
  line.bar = make("i", make("span", label, { class: "bar", "aria-hidden": true }));
  box.addEventListener("change", () => choose(name, box.checked));
  lines.set(name, line);
  return line;
}

function writeLine(line, run) {
  const minutes = time(Math.floor(run.silent / 60) * 60).replace(/ 0 s$/, "");
  const words = { empty: "no log yet", silent: `silent for ${minutes}` };
  put(line.state, words[run.state] ?? run.state);
  line.state.className = `state ${run.state}`;
  const share = run.steps ? run.step / run.steps : run.minutes ? run.seconds / 60 / run.minutes : 0;
  const planned = run.steps && run.steps !== run.step ? ` / ${commas(run.steps)}` : "";
  const parts = [`step ${commas(run.step)}${planned}`];
  if (run.speed) parts.push(`${short(run.speed)} ${run.sample}s/s`);
  put(line.what, [`${run.recipe || "a recipe"} on ${run.data || "its data"}`, ...parts].join(" · "));
  put(line.alarms, run.alarms ? `${commas(run.alarms)} ${run.alarms === 1 ? "alarm" : "alarms"}` : "");
  line.bar.style.width = `${Math.min(share, 1) * 100}%`;
  line.box.checked = chosen.has(run.name);
}

function choose(name, wanted) {
  if (wanted) chosen.add(name); else chosen.delete(name);
  history.replaceState(null, "", `#${new URLSearchParams([...chosen].map(one => ["run", one]))}`);
  lookOnce().catch(() => {});
}

for (const input of document.querySelectorAll("[name=axis]")) {
  input.addEventListener("change", () => {
    Object.assign(board, axis([...runs.values()], input.value));
    board.redraw();
  });
}
$("smoothing").addEventListener("input", event => {
  board.smoothing = +event.target.value;
  $("smoothed").value = board.smoothing ? board.smoothing.toFixed(2) : "none";
  board.redraw();
});
addEventListener("resize", () => document.querySelectorAll("figure img").forEach(enlarge));
document.addEventListener("visibilitychange", () => { if (!document.hidden) lookOnce().catch(() => {}); });
watch();
