// A film at the service: sent, followed until it is over, called off, fetched.

import { pause } from "./dom.js";
import { ask, askJson, Problem } from "./service.js";

const INTERVAL_MS = 500;
const RATE_WINDOW_MS = 10_000; // a film may share the service with others by now
const UNDER_WAY = ["queued", "running"];
const STORED_AS = "silhouette-film";

export class FilmJob {
  /** `onProgress({state, done, total, rate})`; `rate` is frames a second, 0 as long as nobody knows. */
  constructor(onProgress) {
    Object.assign(this, { onProgress, stop: new AbortController(), seen: [] });
  }

  /** `{id, name}` of the job that this tab of the browser followed when the page was left; null where it followed none. */
  static remembered() { return JSON.parse(sessionStorage.getItem(STORED_AS)); }

  /** As `follow`, of a new job; `name` is what its result will be called. */
  async make(form, name) {
    const { id } = await askJson("videos", { method: "POST", body: form, signal: this.stop.signal });
    sessionStorage.setItem(STORED_AS, JSON.stringify({ id, name }));
    return this.follow(id);
  }

  /** `{blob, notes}`. Throws Problem, or AbortError once it was called off. */
  async follow(id) {
    const { signal } = this.stop;
    this.id = id;
    try {
      const { state, failure, notes } = await this.#end(signal);
      if (state !== "done") throw new Problem({ title: "There is no result", detail: `The job is ${state}.`, ...failure });
      const result = await ask(`jobs/${id}/result`, { signal });
      return { blob: await result.blob(), notes };
    } finally {
      sessionStorage.removeItem(STORED_AS);
    }
  }

  async cancel() {
    this.stop.abort();
    if (this.id) await ask(`jobs/${this.id}`, { method: "DELETE" });
  }

  async #end(signal) {
    for (;;) {
      const job = await this.#look(signal);
      if (job && !UNDER_WAY.includes(job.state)) return job;
      this.onProgress(job ? { state: job.state, ...job.progress, rate: this.#rate(job.progress.done) } : { state: "unreachable" });
      await pause(INTERVAL_MS);
      signal.throwIfAborted();
    }
  }

  /** Null while the service cannot be asked: that does not end the job. */
  #look(signal) {
    return askJson(`jobs/${this.id}`, { signal }).catch((error) => {
      if (error instanceof Problem && [0, 503].includes(error.status)) return null;
      throw error;
    });
  }

  #rate(done) {
    const nowMs = performance.now();
    this.seen = [...this.seen.filter(({ atMs }) => nowMs - atMs < RATE_WINDOW_MS), { atMs: nowMs, done }];
    const [first] = this.seen;
    return nowMs > first.atMs ? (1000 * (done - first.done)) / (nowMs - first.atMs) : 0;
  }
}
