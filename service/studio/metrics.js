// Reads Prometheus' text format, and says what happened between two readings.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/gm;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export class Reading {
  constructor(text) {
    const samples = [...text.matchAll(SAMPLE)].map(([, name, labels, value]) => ({ name, labels: labelsOf(labels ?? ""), value: Number(value) }));
    this.samples = Map.groupBy(samples, ({ name }) => name);
  }

  all = (name) => this.samples.get(name) ?? [];

  sum = (name, passes = () => true) => this.all(name).filter(({ labels }) => passes(labels)).reduce((sum, { value }) => sum + value, 0);
}

const labelsOf = (text) => Object.fromEntries([...text.matchAll(LABEL)].map(([, name, value]) => [name, value]));

/** How much a counter grew; what shrank was started again, and counts from zero. */
export function growth(before, now, name, passes) {
  const grown = now.sum(name, passes) - (before?.sum(name, passes) ?? 0);
  return grown < 0 ? now.sum(name, passes) : grown;
}

/** The quantile of what a histogram saw between two readings, in its unit; null where it saw nothing.
 *  As Prometheus does it: values lie evenly within their bucket. */
export function quantile(before, now, name, share, passes = () => true) {
  const bounds = [...new Set(now.all(`${name}_bucket`).map(({ labels }) => labels.le))].sort((one, other) => number(one) - number(other));
  const counts = bounds.map((le) => growth(before, now, `${name}_bucket`, (each) => each.le === le && passes(each)));
  const wanted = share * (counts.at(-1) ?? 0);
  if (!wanted) return null;
  const index = counts.findIndex((count) => count >= wanted);
  const [low, below] = index > 0 ? [number(bounds[index - 1]), counts[index - 1]] : [0, 0];
  const high = number(bounds[index]);
  return Number.isFinite(high) ? low + ((high - low) * (wanted - below)) / (counts[index] - below) : low;
}

const number = (le) => (le === "+Inf" ? Infinity : Number(le));
