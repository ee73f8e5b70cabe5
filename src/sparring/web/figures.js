/* Runs -> charts. One run: a chart a player, a colour a curve. Several: a chart a curve, a colour a run. */
import { reading, units } from "./words.js";

const ORDER = ["losses", "accuracy", "norms", "speed"];
const NOTES = {
  losses: "loss terms", accuracy: "share of samples that it judges rightly", norms: "of each player", speed: "",
};

/* The charts of training and of quality, for runs that each hold `colour`. */
export function figures(runs) {
  const curves = runs.flatMap(run => [...run.curves.values()].map(curve => ({ ...curve, run })));
  curves.sort((a, b) => ORDER.indexOf(a.group) - ORDER.indexOf(b.group));
  return { training: runs.length === 1 ? ofOne(runs[0], curves) : ofSeveral(curves), quality: ofMetrics(runs) };
}

const look = number => ({ colour: number % 7, dash: Math.floor(number / 7) % 3 });
const points = ({ group, step, images, seconds, y }) => ({ step, images, seconds, y, smoothed: group !== "accuracy" });

function gathered(items, id) {
  const found = new Map();
  for (const item of items) found.set(id(item), [...found.get(id(item)) ?? [], item]);
  return found;
}

function ofOne(run, curves) {
  const marks = marksOf(run);
  return [...gathered(curves, curve => `${curve.group}/${curve.chart}`)].map(([id, members]) => ({
    id: `one/${id}`, title: members[0].chart, note: NOTES[members[0].group], marks,
    series: members.map((curve, i) => ({ name: curve.name, ...look(i), ...points(curve) })),
  }));
}

function ofSeveral(curves) {
  return [...gathered(curves, curve => `${curve.group}/${curve.chart}/${curve.name}`)].map(([id, members]) => {
    const { group, chart, name } = members[0], fast = group === "speed";
    return {
      id: `several/${id}`, title: fast ? chart : `${chart}: ${name}`, marks: [],
      note: fast ? name : group === "losses" ? NOTES.losses : "",
      series: members.map(curve => ({ name: curve.run.name, ...look(curve.run.colour), ...points(curve) })),
    };
  });
}

/* A chart a metric: its values, real samples' own value dashed, and a star on the best evaluation. */
function ofMetrics(runs) {
  const names = new Set(runs.flatMap(run => run.evaluations.flatMap(evaluation => Object.keys(evaluation.metrics))));
  const charts = [...names].map(name => {
    const series = runs.map(run => metricOf(run, name, runs.length === 1)).filter(one => one.y.length);
    return {
      id: `${runs.length === 1 ? "one" : "several"}/metric/${name}`, title: name, note: reading(name), series,
      floors: series.some(one => one.floor), stars: series.some(one => one.best !== undefined),
      marks: runs.length === 1 ? marksOf(runs[0]) : [],
    };
  });
  return charts.filter(chart => chart.series.length);
}

function metricOf(run, name, alone) {
  const found = run.evaluations.filter(evaluation => Number.isFinite(evaluation.metrics[name]?.value));
  const column = key => found.map(evaluation => evaluation[key]);
  const floor = found.map(evaluation => evaluation.metrics[name].floor);
  const best = found.findLastIndex(evaluation => evaluation.best);
  return {
    name: alone ? "samples" : run.name, ...look(alone ? 0 : run.colour), dots: true, alone,
    step: column("step"), images: column("images"), seconds: column("seconds"),
    y: found.map(evaluation => evaluation.metrics[name].value),
    floor: floor.some(Number.isFinite) ? floor : undefined, best: best < 0 ? undefined : best,
  };
}

/* Some events tell only their step: the curves tell the rest. */
function marksOf(run) {
  return run.marks.map(mark => {
    const where = { images: mark.images, seconds: mark.seconds };
    if (mark.images === null || mark.seconds === null) {
      for (const curve of run.curves.values()) {
        const i = curve.step.findLastIndex(step => step <= mark.step);
        if (i < 0) continue;
        Object.assign(where, { images: mark.images ?? curve.images[i], seconds: mark.seconds ?? curve.seconds[i] });
      }
    }
    const text = mark.kind === "alarm" ? mark.about || "alarm" : mark.kind;
    return { kind: mark.kind, text, step: [mark.step], images: [where.images], seconds: [where.seconds] };
  });
}

/* How far the axis goes, in which unit, over all curves of these runs. */
export function axis(runs, name) {
  let most = 0;
  for (const run of runs) {
    for (const points of [...run.curves.values(), { [name]: run.evaluations.map(evaluation => evaluation[name]) }]) {
      for (const value of points[name]) if (value > most) most = value;
    }
  }
  const whole = { axis: name, scale: 1, high: most || 1 };
  if (name !== "seconds") return { ...whole, label: name === "step" ? "step" : units(runs) };
  const [scale, label] = most > 7200 ? [3600, "hours"] : most > 180 ? [60, "minutes"] : [1, "seconds"];
  return { axis: name, scale, high: most / scale || 1, label };
}
