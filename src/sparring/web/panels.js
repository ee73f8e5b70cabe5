/* Alarms, the tables of the last evaluations, and the nearest neighbours. */
import { address, at, commas, make, put, reading, short } from "./words.js";
import { enlarge } from "./samples.js";

const RECENT = 3;  // alarms in full view; the earlier ones unfold

/* Alarms, the newest first. */
export function alarms(place, runs) {
  const all = runs.flatMap(run => run.alarms.map(alarm => ({ ...alarm, run })));
  all.sort((a, b) => b.step - a.step);
  place.replaceChildren();
  const titled = runs.length > 1;
  for (const alarm of all.slice(0, RECENT)) alarmCard(place, alarm, titled);
  if (all.length <= RECENT) return;
  const earlier = make("details", place);
  make("summary", earlier, {}, `${commas(all.length - RECENT)} earlier`);
  for (const alarm of all.slice(RECENT)) alarmCard(earlier, alarm, titled);
}

function alarmCard(place, alarm, titled) {
  const card = make("article", place, { class: "alarm" });
  const title = make("h3", card, {}, `${alarm.alarm || "alarm"} `);
  make("small", title, {}, titled ? `${alarm.run.name}, at ${at(alarm)}` : `at ${at(alarm)}`);
  make("p", card, {}, alarm.seen);
  if (!alarm.try) return;
  const row = make("div", card, { class: "try" }), text = make("p", row), typed = [];
  for (const [part, isCode] of advice(alarm.try)) {
    make(isCode ? "code" : "span", text, {}, part);
    if (isCode) typed.push(part);
  }
  const copy = make("button", row, { type: "button", "aria-label": `Copy what to try: ${alarm.try}` }, "Copy");
  copy.addEventListener("click", () => copied(copy, typed.length ? typed.join(" ") : alarm.try, text));
}

/* A flag and its value: a number, or a word that ends the clause; any other word goes on with the sentence. */
const FLAG = /(--[A-Za-z](?:[\w.-]*\w)?(?:[ =](?:\d(?:[\w.+-]*\w)?|\w+(?=[).,;]|$)))?)/;

/* Advice in parts, each with whether it is to be typed: what stands in backticks, else flags and their values. */
function advice(text) {
  if (text.includes("`")) return text.split("`").map((part, i) => [part, i % 2 === 1]).filter(([part]) => part);
  const parts = text.split(FLAG);
  return parts.filter(part => part).map(part => [part, part.startsWith("--")]);
}

async function copied(button, text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {  // refused by the browser: choose the text, so that the keyboard copies it
    getSelection().selectAllChildren(shown);
    button.textContent = "Chosen";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

/* The last evaluation of each run. */
export function tables(place, runs) {
  place.replaceChildren();
  for (const run of runs) if (run.evaluations.length) table(place, run, runs.length > 1);
}

function table(place, run, titled) {
  const last = run.evaluations.at(-1), best = run.evaluations.findLast(evaluation => evaluation.best);
  const box = make("section", place), title = make("h3", box, {}, titled ? `${run.name} ` : "Last evaluation ");
  make("small", title, {}, `at ${at(last)}${best ? `; the best so far was at ${at(best)}` : ""}`);
  const grid = make("table", make("div", box, { class: "table" }));
  const head = make("tr", make("thead", grid)), body = make("tbody", grid), metrics = Object.entries(last.metrics);
  const titles = { floor: "Real against real", mean_picture: `Mean ${run.line.sample}`, unchanged: "Unchanged" };
  const columns = Object.keys(titles).filter(part => metrics.some(([, metric]) => (metric[part] ?? null) !== null));
  const names = ["Metric", "Value", ...columns.map(part => titles[part])];
  for (const name of names) make("th", head, { scope: "col" }, name);
  for (const [name, metric] of metrics) {
    const row = make("tr", body), label = make("th", row, { scope: "row" }, name);
    const value = make("td", row, { class: "value" }, short(metric.value));
    if (reading(name)) make("small", label, {}, reading(name));
    if (metric.error !== null) make("small", value, {}, ` ± ${short(metric.error)}`);
    for (const part of columns) make("td", row, {}, short(metric[part] ?? null));
  }
  make("p", box, { class: "dim" }, protocol(last.protocol));
  const notes = make("ul", box, { class: "dim" });
  for (const note of last.notes) make("li", notes, {}, note);
}

/* Whether two of the last evaluations cannot be compared. */
export function unlike(runs) {
  const last = runs.map(run => run.evaluations.at(-1)?.protocol).filter(Boolean);
  return new Set(last.map(({ features, fingerprint, preprocessing, split, real, fake }) =>
    JSON.stringify([features, fingerprint, preprocessing, split, real, fake]))).size > 1;
}

/* What the dashed lines in the charts stand for, the newest last. */
export function events(place, runs) {
  place.replaceChildren();
  for (const run of runs) {
    for (const mark of run.marks.filter(mark => mark.kind !== "alarm")) {
      const about = mark.about ? `: ${mark.about}` : "";
      make("li", place, {}, `${runs.length > 1 ? `${run.name}: ` : ""}${mark.kind} at ${at(mark)}${about}`);
    }
  }
}

/* How it was measured, in one line. */
function protocol({ features, fingerprint, preprocessing, real, fake, split, seed, ...others }) {
  const count = (number, what) => number && `${/^\d+$/.test(number) ? commas(+number) : number} ${what}`;
  const more = Object.entries(others).map(([name, value]) => `${name} ${value}`);
  const parts = [
    features && `${features}${fingerprint ? ` (${fingerprint.slice(0, 8)})` : ""}`, preprocessing, count(real, "real"),
    count(fake, "fake"), split && `against the ${split} part`, seed && `seed ${seed}`, ...more,
  ].filter(Boolean);
  return parts.length ? `Features: ${parts.join(" · ")}. The value's ± is its standard error.` : "";
}

/* Samples beside their nearest real pictures. */
export function neighbours(place, runs) {
  const shown = runs.filter(run => run.neighbours);
  const figures = shown.map((run, i) => place.children[i] ?? make("figure", place));
  while (place.children.length > shown.length) place.lastChild.remove();
  shown.forEach((run, i) => {
    const source = `${address(run, "neighbours.png")}?v=${run.neighbours}`;
    const [title, picture] = figures[i].children.length ? figures[i].children : opened(figures[i]);
    put(title, run.name);
    title.hidden = runs.length === 1;
    picture.alt = `Samples of ${run.name} beside their nearest training and held-out pictures`;
    if (picture.getAttribute("src") !== source) picture.src = source;
  });
  return shown.length;
}

function opened(figure) {
  const title = make("h3", figure), picture = make("img", figure);
  picture.addEventListener("load", () => enlarge(picture));
  return [title, picture];
}
