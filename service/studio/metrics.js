// Reads Prometheus' text format, and says what happened between two readings.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export class Reading {
  constructor(text) {
    this.samples = new Map();
    for (const line of text.split("\n")) {
      const match = SAMPLE.exec(line);
      if (match) this.#add(match[1], labelsOf(match[2] ?? ""), Number(match[3]));
    }
  }

  #add(name, labels, value) {
    if (!this.samples.has(name)) this.samples.set(name, []);
    this.samples.get(name).push({ labels, value });
  }

  /** Every sample of a metric, as `{labels, value}`. */
  all = (name) => this.samples.get(name) ?? [];

  /** The sum over the samples whose labels pass. */
  sum(name, passes = () => true) {
    return this.all(name).filter(({ labels }) => passes(labels)).reduce((sum, { value }) => sum + value, 0);
  }

  /** The values that a label takes. */
  values = (name, label) => [...new Set(this.all(name).map(({ labels }) => labels[label]))];
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
  const labels = now.values(`${name}_bucket`, "le").sort((one, other) => number(one) - number(other));
  const counts = labels.map((le) => growth(before, now, `${name}_bucket`, (each) => each.le === le && passes(each)));
  const wanted = share * (counts.at(-1) ?? 0);
  if (!wanted) return null;
  const index = counts.findIndex((count) => count >= wanted);
  const [low, below] = index > 0 ? [number(labels[index - 1]), counts[index - 1]] : [0, 0];
  const high = number(labels[index]);
  return Number.isFinite(high) ? low + ((high - low) * (wanted - below)) / (counts[index] - below) : low;
}

const number = (le) => (le === "+Inf" ? Infinity : Number(le));
