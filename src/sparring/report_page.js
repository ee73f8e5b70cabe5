/* Brings the report of a run to life: the player of sample grids, and the curves. No library: the page must open offline. */
"use strict";
const DATA = JSON.parse(document.getElementById("payload").textContent);
const STEP = 0, SECONDS = 2;  // columns of DATA.places; between them lies the number of samples shown
const ROOM = { left: 50, right: 22, top: 20, below: 42 };  // around the curves, in pixels

function make(name, parent, attributes = {}, text = "") {
  const inSvg = name === "svg" || parent.namespaceURI.endsWith("svg");
  const node = inSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

/* Numbers as people read them. */
const commas = value => value.toLocaleString("en-GB");
const between = (low, value, high) => Math.min(Math.max(value, low), high);
function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9 || (size < 1e-3 && size > 0)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("-", "−");
  const [scale, letter] = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return String(+(value / scale).toPrecision(4)).replace("-", "−") + letter;
}
function time(seconds) {
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${commas(Math.floor(minutes / 60))} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${+seconds.toFixed(1)} s`;
}
const where = ([step, images, seconds]) => `step ${commas(step)} · ${commas(images)} ${DATA.unit} · ${time(seconds)}`;

/* Round numbers from low to high, about as many as wanted. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(times => times * power >= rough * .999);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) found.push(+(i * step).toPrecision(10));
  return found;
}

/* What to draw of the values: a few extreme ones (a start, a blow-up) must not flatten the rest; they are counted. */
function span(values) {
  if (!values.length) return { low: 0, high: 1, outside: 0 };
  const sorted = [...values].sort((a, b) => a - b), last = sorted.length - 1, few = last < 50 ? .15 : .02;
  const common = sorted[Math.floor(few * last)], rare = sorted[Math.ceil((1 - few) * last)], room = (rare - common) * .5;
  let low = sorted[0], high = sorted[last];
  if (room > 0 && high - low > 8 * room) {
    low = Math.max(low, common - room);
    high = Math.min(high, rare + room);
  }
  const outside = values.filter(value => value < low || value > high).length;
  const pad = (high - low) * .05 || Math.abs(high) * .1 || 1;
  return { low: low - pad, high: high + pad, outside };
}

class Chart {
  constructor(spec, number, axis, place) {
    Object.assign(this, { spec, axis, clip: `clip-${number}`, cursor: null });
    const box = make("section", place);
    make("small", make("h3", box, {}, `${spec.title} `), {}, spec.note);
    const names = spec.series.map(one => one.name).join(", ");
    const label = `${spec.title}, ${spec.note}: ${names}. The left and right arrow keys read values.`;
    this.svg = make("svg", box, { class: "plot", tabindex: 0, role: "img", "aria-label": label });
    this.readout = make("p", box, { class: "readout", "aria-live": "polite" });
    const keys = make("div", box, { class: "keys" });
    spec.series.forEach((one, i) => this.addKey(one, i, keys));
    if ("floor" in spec) {
      const key = make("span", keys);
      make("path", make("svg", key, { "aria-hidden": true }), { d: "M1 4H21", class: "floor" });
      make("span", key, {}, "real against real");
      make("b", key, {}, short(spec.floor));
    }
    for (const event of ["pointermove", "pointerdown"]) this.svg.addEventListener(event, event => this.follow(event));
    for (const event of ["pointerleave", "blur"]) this.svg.addEventListener(event, () => this.point(null));
    this.svg.addEventListener("keydown", event => this.walk(event));
  }

  addKey(one, i, keys) {
    one.style = `stroke: var(--c${i % 7}); stroke-dasharray: ${["none", "6 3", "1 4"][Math.floor(i / 7) % 3]}`;
    one.shown = true;
    const only = this.spec.series.length === 1;  // then there is nothing to choose
    const button = { type: "button", "aria-pressed": true, title: "Show or hide this curve" };
    const key = only ? make("span", keys) : make("button", keys, button);
    make("path", make("svg", key, { "aria-hidden": true }), { d: "M1 4H21", class: "curve", style: one.style });
    make("span", key, {}, this.spec.part === "quality" ? "samples" : one.name);
    one.value = make("b", key);
    if (!only) key.addEventListener("click", () => {
      one.shown = !one.shown;
      key.setAttribute("aria-pressed", one.shown);
      this.draw();
    });
  }

  get floor() { return "floor" in this.spec ? [this.spec.floor] : []; }
  get shown() { return this.spec.series.filter(one => one.shown); }
  x(at) { return DATA.places[at][this.axis.column] / this.axis.scale; }
  across(x) { return ROOM.left + x / this.axis.high * (this.right - ROOM.left); }
  up(y) { return this.bottom - (y - this.low) / (this.high - this.low) * (this.bottom - ROOM.top); }

  draw() {
    this.svg.replaceChildren();
    this.right = this.svg.clientWidth - ROOM.right;
    this.bottom = this.svg.clientHeight - ROOM.below;
    if (this.right <= ROOM.left) return;  // a page that is not shown yet has no size; a resize follows
    Object.assign(this, span([...this.shown.flatMap(one => one.y), ...this.floor]));
    if (this.spec.title === "critic accuracy") Object.assign(this, { low: 0, high: 1, outside: 0 });
    this.drawAxes();
    this.drawMarks();
    const frame = { x: ROOM.left, y: ROOM.top, width: this.right - ROOM.left, height: this.bottom - ROOM.top };
    make("rect", make("clipPath", this.svg, { id: this.clip }), frame);
    const curves = make("g", this.svg, { "clip-path": `url(#${this.clip})` });
    for (const y of this.floor) make("path", curves, { class: "floor", d: `M${ROOM.left} ${this.up(y)}H${this.right}` });
    for (const one of this.shown) {
      make("path", curves, { class: "curve", style: one.style, d: this.path(one) });
      if (one.errors) make("path", curves, { class: "error", style: one.style, d: this.bars(one) });
    }
    this.ringBest();
    this.overlay = make("g", this.svg);
    this.point(null);
  }

  drawAxes() {
    const { svg, right, axis, outside } = this, { left, top } = ROOM, { bottom } = this;
    for (const value of ticks(this.low, this.high, 5)) {
      make("path", svg, { class: "rule", d: `M${left} ${this.up(value)}H${right}` });
      make("text", svg, { x: left - 6, y: this.up(value) + 4, "text-anchor": "end" }, short(value));
    }
    for (const value of ticks(0, axis.high, Math.min(6, right / 75))) {
      make("path", svg, { class: "axis", d: `M${this.across(value)} ${bottom}v4` });
      make("text", svg, { x: this.across(value), y: bottom + 18, "text-anchor": "middle" }, short(value));
    }
    make("path", svg, { class: "axis", d: `M${left} ${top}V${bottom}H${right}` });
    make("text", svg, { x: right, y: bottom + 37, "text-anchor": "end" }, axis.label);
    const points = outside === 1 ? "1 extreme point lies" : `${outside} extreme points lie`;
    if (outside) make("text", svg, { x: left, y: bottom + 37 }, `${points} off the scale`);
  }

  drawMarks() {
    const taken = [];  // from where to where labels stand: where they crowd, those of alarms come first
    for (const mark of [...DATA.marks].sort((a, b) => (b.kind === "alarm") - (a.kind === "alarm"))) {
      const at = this.across(mark.place[this.axis.column] / this.axis.scale), room = mark.label.length * 7;
      make("path", this.svg, { class: `mark ${mark.kind}`, d: `M${at} ${ROOM.top - 4}V${this.bottom}` });
      const start = Math.min(at - room / 2, this.right - room);
      if (start < 0 || taken.some(([left, right]) => start < right && left < start + room + 8)) continue;
      make("text", this.svg, { x: start, y: 12, class: mark.kind }, mark.label);
      taken.push([start, start + room + 8]);
    }
  }

  path(one) {
    let path = "", before = Infinity;
    one.at.forEach((at, k) => {
      const step = DATA.places[at][STEP], here = `${this.across(this.x(at)).toFixed(1)} ${this.up(one.y[k]).toFixed(1)}`;
      // Where the steps fall back, a restore or a resume cut the curve. h0 makes a dot of a point that stands alone.
      path += step < before ? `M${here}h0` : `L${here}`;
      before = step;
    });
    return path;
  }

  /* A standard error up and down of each value. */
  bars(one) {
    const bar = (at, y, error) => `M${this.across(this.x(at)).toFixed(1)} ${this.up(y - error)}V${this.up(y + error)}`;
    return one.at.map((at, k) => bar(at, one.y[k], one.errors[k])).join("");
  }

  /* The evaluation that was the best, on every metric's curve. */
  ringBest() {
    if (this.spec.part !== "quality" || DATA.best === null) return;
    for (const one of this.shown) {
      const y = one.y[one.at.indexOf(DATA.best)];
      if (!(y >= this.low && y <= this.high)) continue;
      make("circle", this.svg, { class: "best", cx: this.across(this.x(DATA.best)), cy: this.up(y), r: 6 });
    }
  }

  /* Write the values at the cursor, or with null the last ones, beside the names. */
  point(cursor) {
    this.cursor = cursor;
    this.overlay.replaceChildren();
    const distance = at => Math.abs(this.x(at) - cursor);
    let place = null;
    for (const one of this.spec.series) {
      let k = one.at.length - 1;
      if (cursor !== null) one.at.forEach((at, i) => { if (distance(at) < distance(one.at[k])) k = i; });
      if (place === null || (cursor === null ? one.at[k] > place : distance(one.at[k]) < distance(place))) place = one.at[k];
      one.value.textContent = short(one.y[k]) + (one.errors?.[k] ? ` ± ${short(+one.errors[k].toPrecision(2))}` : "");
      if (cursor === null || !one.shown) continue;
      const cx = this.across(this.x(one.at[k])), cy = between(ROOM.top, this.up(one.y[k]), this.bottom);
      make("circle", this.overlay, { cx, cy, r: 3.5, style: one.style, fill: "var(--ground)" });
    }
    this.readout.textContent = (cursor === null ? "last: " : "") + where(DATA.places[place]);
    const line = this.across(this.x(place));
    if (cursor !== null) make("path", this.overlay, { class: "cursor", d: `M${line} ${ROOM.top}V${this.bottom}` });
  }

  follow(event) {
    const pixels = event.clientX - this.svg.getBoundingClientRect().left;
    this.point(between(0, (pixels - ROOM.left) / (this.right - ROOM.left), 1) * this.axis.high);
  }

  walk(event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    this.point(between(0, (this.cursor ?? this.axis.high) + way * this.axis.high / 100, this.axis.high));
  }
}

function drawCharts() {
  const axis = {}, charts = DATA.charts.flatMap((spec, number) => {
    const place = document.querySelector(`.charts[data-part=${spec.part === "quality" ? "quality" : "curves"}]`);
    return place ? [new Chart(spec, number, axis, place)] : [];
  });
  const draw = () => charts.forEach(chart => chart.draw());
  const choose = column => {
    const most = DATA.places.reduce((high, place) => Math.max(high, place[column]), 0) || 1;
    const [scale, unit] = most > 7200 ? [3600, "hours"] : most > 180 ? [60, "minutes"] : [1, "seconds"];
    axis.column = column;
    axis.scale = column === SECONDS ? scale : 1;
    axis.label = ["step", DATA.unit, unit][column];
    axis.high = most / axis.scale;
    draw();
  };
  const inputs = [...document.querySelectorAll(".axes input")];
  for (const input of inputs) {
    input.addEventListener("change", () => {
      for (const twin of inputs) twin.checked = twin.value === input.value;
      choose(+input.value);
    });
  }
  addEventListener("resize", draw);
  choose(+(inputs.find(input => input.checked)?.value ?? STEP));
}

/* Enlarged by a whole number, pixels stay square; made smaller, they must be averaged or some drop out. */
function enlarge(picture) {
  const width = +picture.getAttribute("width");
  picture.style.width = `${width * Math.max(1, Math.floor(640 / width))}px`;
  picture.classList.toggle("sharp", picture.clientWidth * devicePixelRatio >= width);
}

/* Sample grids: one picture at a time, chosen by a slider or played. */
function playGrids() {
  const pictures = [...document.querySelectorAll(".grids img")], last = pictures.length - 1;
  const slider = document.getElementById("when"), button = document.getElementById("play");
  let timer = null;
  const show = () => {
    pictures.forEach((picture, i) => { picture.hidden = i !== +slider.value; });
    const picture = pictures[slider.value];
    enlarge(picture);
    const label = `step ${commas(+picture.dataset.step)}`;
    document.getElementById("at").value = label;
    slider.setAttribute("aria-valuetext", label);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  };
  const advance = () => {
    slider.value = +slider.value + 1;
    show();
    if (+slider.value === last) stop();
  };
  slider.addEventListener("input", () => { stop(); show(); });
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (+slider.value === last) slider.value = 0;
    show();
    button.textContent = "Pause";
    timer = setInterval(advance, 450);
  });
  addEventListener("resize", show);
  show();
}

function showNeighbours(picture) {
  addEventListener("resize", () => enlarge(picture));
  enlarge(picture);
}

if (document.getElementById("when")) playGrids();
document.querySelectorAll(".neighbours img").forEach(showNeighbours);
if (DATA.charts.length) drawCharts();
