// Whether a better model is worth waiting for without anything to see: if not, a small one is asked as well.

export const SMALL_MODEL = "u2netp"; // sees at once what others with its classes see better
const SOON_MS = 400; // for what comes sooner nobody needs a first impression

export class Patience {
  constructor() { this.tookMs = new Map(); }

  /** Nothing was seen in the photo yet, and its look may take long. */
  isShort(shot, { fields }, { models, model, kept }) {
    const small = models.find(({ name }) => name === SMALL_MODEL);
    if (!small || small === model || shot.looks.size || kept) return false;
    return classesOf(model) === classesOf(small) && !(this.tookMs.get(keyOf(fields)) < SOON_MS);
  }

  async timed(fields, look) {
    const startedMs = performance.now();
    const seen = await look();
    this.tookMs.set(keyOf(fields), performance.now() - startedMs);
    return seen;
  }
}

const classesOf = ({ classes }) => String(classes.map(({ name }) => name));

const keyOf = (fields) => JSON.stringify(fields.filter(([name]) => ["model", "effort"].includes(name)));
