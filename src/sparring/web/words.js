/* Elements and numbers, as people read them. */

export function make(name, parent, attributes = {}, text = "") {
  const drawn = ["svg", "path"].includes(name);
  const node = drawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  parent?.append(node);
  return node;
}

/* Write only what has changed, so that nothing is read aloud or selected anew at every look. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const commas = value => value.toLocaleString("en-GB");

export function short(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value), tiny = size > 0 && size < 1e-4;
  if (size >= 1e9 || tiny) return value.toExponential(2).replace(/\.?0+e/, "e").replaceAll("-", "−");
  const [scale, letter] = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return String(+(value / scale).toPrecision(4)).replace("-", "−") + letter;
}

export function time(seconds) {
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${commas(Math.floor(minutes / 60))} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${+seconds.toFixed(1)} s`;
}

/* What is known of a metric, by the start of its name. */
const READING = [
  [/^(KD|FD|KID|FID)\b/i, "lower is better"],
  [/^(IS|precision|recall|density|coverage)\b/i, "higher is better"],
  [/^memorising/i, "1 is good; well below 1 are copies"],
  [/^diversity/i, "should equal that of real samples"],
];
export const reading = metric => READING.find(([form]) => form.test(metric))?.[1] ?? "";

/* What samples are called, over several runs. */
export function units(runs) {
  const names = new Set(runs.map(run => run.line.sample));
  return `${names.size === 1 ? [...names][0] : "sample"}s`;
}

/* Where something stands in a run. */
export const at = place => `step ${commas(place.step)}`;
export const address = (run, file) => `/runs/${encodeURIComponent(run.name)}/${file}`;
