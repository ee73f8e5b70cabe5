/* Draws charts with plotly.js. A chart is {id, title, note, series, marks}; figures.js makes them from runs. */
import { make, put, short } from "./words.js";

const GAP = null;  // in a column, interrupts the line

/* What to draw of the values: a few extreme ones (a start, a blow-up) must not flatten the rest; they are counted. */
function span(values) {
  if (!values.length) return { low: 0, high: 1, outside: 0 };
  const sorted = [...values].sort((a, b) => a - b), last = sorted.length - 1;
  const common = sorted[Math.floor(.02 * last)], rare = sorted[Math.ceil(.98 * last)], room = (rare - common) * .5;
  let low = sorted[0], high = sorted[last];
  if (room > 0 && high - low > 8 * room) {
    low = Math.max(low, common - room);
    high = Math.min(high, rare + room);
  }
  const outside = values.filter(value => value < low || value > high).length;
  const pad = (high - low) * .06 || Math.abs(high) * .1 || 1;
  return { low: low - pad, high: high + pad, outside };
}

/* An exponential mean that begins without bias. */
function smooth(values, weight) {
  let sum = 0, total = 0;
  return values.map(value => {
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

/* Where the steps fall back, a restore or a resume cut the curve. */
function broken(series, x, y) {
  const across = [], up = [];
  for (let i = 0; i < x.length; i++) {
    if (i && series.step[i] < series.step[i - 1]) { across.push(x[i]); up.push(GAP); }
    across.push(x[i]);
    up.push(y[i]);
  }
  return { x: across, y: up };
}

function colours() {
  const style = getComputedStyle(document.documentElement), read = name => style.getPropertyValue(name).trim();
  const curves = [0, 1, 2, 3, 4, 5, 6].map(i => read(`--c${i}`));
  const named = ["ink", "dim", "line", "card", "warn"].map(name => [name, read(`--${name}`)]);
  return { ...Object.fromEntries(named), curves };
}

/* Plotly reads a few tags in texts: a name out of a log must not be one. */
const plain = text => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
export const DASHES = ["solid", "dash", "dot"];

class Chart {
  constructor(board, id) {
    Object.assign(this, { board, id, hidden: new Set(), seen: false, stale: false });
    this.box = make("section");
    this.head = make("h3", this.box);
    this.title = make("span", this.head);
    this.note = make("small", this.head);
    this.plot = make("div", this.box, { class: "plot", role: "img" });
    this.keys = make("div", this.box, { class: "keys" });
    this.box.chart = this;
  }

  show(spec) {
    this.spec = spec;
    put(this.title, `${spec.title} `);
    this.writeKeys();
    this.stale = true;
    if (this.seen) this.draw();
  }

  writeKeys() {
    const names = this.spec.series.map(one => `${one.name}|${one.colour}|${one.dash}`).join();
    if (names !== this.named) {
      this.named = names;
      this.keys.replaceChildren();
      for (const one of this.spec.series) this.addKey(one);
      if (this.spec.floors) this.addSign("M1 4H21", "stroke-dasharray: 2 3; stroke: var(--dim)", "real against real");
      if (this.spec.stars) this.addSign("M11 -3l2 5 5 .4-4 3.4 1.3 5-4.3-2.8-4.3 2.8 1.3-5-4-3.4 5-.4z",
        "fill: var(--dim); stroke: none", "best so far");
    }
    this.spec.series.forEach((one, i) => put(this.keys.children[i].querySelector("b"), short(one.y.at(-1))));
    const values = this.spec.series.map(one => `${one.name} ${short(one.y.at(-1))}`).join(", ");
    this.plot.setAttribute("aria-label", `${this.spec.title}. Last values: ${values}.`);
  }

  addKey(one) {
    const shown = !this.hidden.has(one.name);
    const key = make("button", this.keys, { type: "button", "aria-pressed": shown, title: "Show or hide this curve" });
    const dash = { solid: "none", dash: "6 3", dot: "1 4" }[DASHES[one.dash]];
    const style = `stroke: var(--c${one.colour}); stroke-dasharray: ${dash}; stroke-width: 2`;
    make("path", make("svg", key, { "aria-hidden": true }), { d: "M1 4H21", style });
    make("span", key, {}, one.name);
    make("b", key);
    key.addEventListener("click", () => {
      if (!this.hidden.delete(one.name)) this.hidden.add(one.name);
      key.setAttribute("aria-pressed", !this.hidden.has(one.name));
      this.draw();
    });
  }

  addSign(d, style, text) {
    const key = make("span", this.keys, { class: "key" });
    make("path", make("svg", key, { "aria-hidden": true }), { d, style });
    make("span", key, {}, text);
  }

  draw() {
    if (!window.Plotly) return;
    this.stale = false;
    const paint = colours(), shown = this.spec.series.filter(one => !this.hidden.has(one.name));
    const limits = span(shown.flatMap(one => [...one.y, ...(one.floor ?? [])].filter(Number.isFinite)));
    const points = limits.outside === 1 ? "1 extreme point lies" : `${limits.outside} extreme points lie`;
    put(this.note, [this.spec.note, limits.outside && `${points} off the scale`].filter(Boolean).join("; "));
    const traces = shown.flatMap(one => this.traces(one, paint));
    const settings = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };
    window.Plotly.react(this.plot, traces, this.layout(limits, paint), settings);
  }

  x(one) {
    const { axis, scale } = this.board;
    return one[axis].map(value => value === null ? null : value / scale);
  }

  traces(one, paint) {
    const color = paint.curves[one.colour], dash = DASHES[one.dash], x = this.x(one), found = [];
    const line = (y, more) => ({ type: "scatter", mode: "lines", ...broken(one, x, y), hoverinfo: "skip", ...more });
    const weight = one.smoothed ? this.board.smoothing : 0;
    if (weight) found.push(line(one.y, { line: { color, width: 1 }, opacity: .3 }));
    const floor = { color: one.alone ? paint.dim : color, width: 1.3, dash: "dot" };
    if (one.floor) found.push(line(one.floor, { line: floor }));
    const mode = one.y.length < 2 || one.dots ? "lines+markers" : "lines";
    const hover = { name: plain(one.name), hoverinfo: "all", hovertemplate: "%{y:.4~g}" };
    const main = { mode, line: { color, dash, width: 1.7 }, marker: { size: 5 }, ...hover };
    found.push(line(weight ? smooth(one.y, weight) : one.y, main));
    if (one.best !== undefined) {
      const marker = { symbol: "star", size: 14, color, line: { color: paint.ink, width: 1 } }, place = one.best;
      found.push({ type: "scatter", mode: "markers", x: [x[place]], y: [one.y[place]], marker, hoverinfo: "skip" });
    }
    return found;
  }

  layout({ low, high }, paint) {
    const { dim, ink, line, card } = paint, { label } = this.board, clear = "rgba(0,0,0,0)";
    const axis = { gridcolor: line, zeroline: false, linecolor: dim, tickfont: { color: dim }, nticks: 6 };
    const still = matchMedia("(pointer: coarse)").matches;  // a finger scrolls the page
    const range = [0, this.board.high * 1.03];  // room for the star on the last point
    return {
      margin: { l: 48, r: 10, t: this.spec.marks.length ? 22 : 8, b: 42 }, showlegend: false, autosize: true,
      paper_bgcolor: clear, plot_bgcolor: clear, hovermode: "x unified", dragmode: still ? false : "zoom",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink } },
      xaxis: { ...axis, showgrid: false, ticks: "outside", ticklen: 4, tickcolor: dim, range, uirevision: label,
        title: { text: label, font: { color: dim }, standoff: 6 },
        hoverformat: this.board.axis === "seconds" ? ".2f" : ",d" },
      yaxis: { ...axis, range: [low, high], uirevision: label }, uirevision: label,
      ...this.marks(paint),
    };
  }

  /* Events as upright lines; those with room for it carry their name. */
  marks(paint) {
    const shapes = [], annotations = [], wide = (this.plot.clientWidth || 400) - 58;
    let free = -1;
    for (const mark of this.spec.marks) {
      const x = this.x(mark)[0], color = mark.kind === "alarm" ? paint.warn : paint.dim;
      if (x === null) continue;
      const line = { color, width: 1, dash: "dash" };
      shapes.push({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", layer: "below", line });
      const from = x / (this.board.high || 1) * wide, text = mark.text, room = text.length * 6.5;
      if (from < free || from + room > wide + 10) continue;
      const place = { x, y: 1, yref: "paper", yanchor: "bottom", xanchor: "left", showarrow: false };
      annotations.push({ ...place, text: plain(text), font: { color, size: 11 } });
      free = from + room + 6;
    }
    return { shapes, annotations };
  }
}

/* All charts: keeps those that stay, so that a zoom and a hidden curve outlive new points. */
export class Board {
  constructor() {
    Object.assign(this, { axis: "step", label: "step", scale: 1, high: 1, smoothing: 0, charts: new Map() });
    const look = entries => entries.forEach(({ target: { chart }, isIntersecting }) => {
      chart.seen = isIntersecting;
      if (chart.seen && chart.stale) chart.draw();
    });
    this.watcher = new IntersectionObserver(look, { rootMargin: "400px" });
    this.library = null;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /* Fill the places {element: specs} of the page; charts that are no longer wanted go. */
  show(places) {
    const wanted = new Set();
    for (const [place, specs] of places) {
      specs.forEach((spec, i) => {
        const chart = this.charts.get(spec.id) ?? this.open(spec.id);
        wanted.add(spec.id);
        if (place.children[i] !== chart.box) place.insertBefore(chart.box, place.children[i] ?? null);
        chart.show(spec);
      });
    }
    for (const [id, chart] of this.charts) if (!wanted.has(id)) this.close(id, chart);
  }

  /* Megabytes of script must not keep the list and the pictures waiting: it comes with the first chart. */
  load() {
    this.library = make("script", document.head, { src: "/plotly.js" });
    this.library.addEventListener("load", () => this.redraw());
  }

  open(id) {
    if (!this.library) this.load();
    const chart = new Chart(this, id);
    this.charts.set(id, chart);
    this.watcher.observe(chart.box);
    return chart;
  }

  close(id, chart) {
    this.watcher.unobserve(chart.box);
    window.Plotly?.purge(chart.plot);
    chart.box.remove();
    this.charts.delete(id);
  }

  redraw() {
    for (const chart of this.charts.values()) chart.show(chart.spec);
  }
}
