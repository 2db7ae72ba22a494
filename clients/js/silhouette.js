// Asks a Silhouette service for masks, cutouts and new backgrounds, from a browser or from Node 20. Types and the words
// to everything are in silhouette.d.ts. No dependencies.

const DEFAULT_URL = "http://127.0.0.1:8000";
const DEFAULT_TIMEOUT_MS = 60_000;

// Then the address is wrong, or the service is away for longer.
const CONNECTION_TRIES = 3;

// Between two tries where nobody says when to come back: twice as long each time, and half of it by chance.
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

// The service says what took so long; only where it is silent do we.
const GRACE_MS = 1_000;

// How often `wait` asks how far a film is.
const POLL_MS = 500;

const OVER = ["done", "failed", "cancelled"];

const BULK = { Priority: "u=5" };

export class SilhouetteError extends Error {
  constructor(code, detail, { status = null, requestId = "", retryAfterMs = null, cause } = {}) {
    super(`${code}: ${detail}`, { cause });
    this.name = new.target.name;
    Object.assign(this, { code, detail, status, requestId, retryAfterMs });
  }
}
export class InputError extends SilhouetteError {}
export class NoForeground extends InputError {}
export class AccessError extends SilhouetteError {}
export class Busy extends SilhouetteError {}
export class Late extends SilhouetteError {}
export class ServiceFault extends SilhouetteError {}
export class ConnectionFailed extends SilhouetteError {}
export class JobFailed extends SilhouetteError {}

// 502 is what a proxy says while the service behind it starts.
const KINDS = { 401: AccessError, 403: AccessError, 429: Busy, 502: Busy, 503: Busy, 504: Late };

export class Result {
  constructor(blob, headers) {
    this.blob = blob;
    this.headers = headers;
  }

  get mediaType() {
    return this.headers.get("Content-Type").split(";")[0];
  }

  get requestId() {
    return this.headers.get("X-Request-Id") ?? "";
  }

  get model() {
    return this.headers.get("X-Model") ?? "";
  }

  get box() {
    const sides = ["Left", "Top", "Width", "Height"].map((side) => this.headers.get(`X-Foreground-${side}`));
    if (sides.includes(null)) return null;
    const [left, top, width, height] = sides.map(Number);
    return { left, top, width, height };
  }

  async bytes() {
    return new Uint8Array(await this.blob.arrayBuffer());
  }

  async json() {
    return JSON.parse(await this.blob.text());
  }
}

export class Client {
  #url;
  #options;

  constructor(url = DEFAULT_URL, { key, timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#options = { key, timeoutMs };
  }

  segment(image, options, how) {
    return this.#run("segment", image, options, how);
  }

  removeBackground(image, options, how) {
    return this.#run("remove-background", image, options, how);
  }

  replaceBackground(image, options, how) {
    return this.#run("replace-background", image, options, how);
  }

  blurBackground(image, options, how) {
    return this.#run("blur-background", image, options, how);
  }

  colorPop(image, options, how) {
    return this.#run("color-pop", image, options, how);
  }

  productShot(image, options, how) {
    return this.#run("product-shot", image, options, how);
  }

  async models(how) {
    return (await this.#ask("models", { method: "GET" }, how)).json();
  }

  async loadModel(name, how) {
    return (await this.#ask(modelPath(name), { method: "POST" }, how)).json();
  }

  async unloadModel(name, how) {
    await this.#ask(modelPath(name), { method: "DELETE" }, how);
  }

  async setDefaultModel(name, how) {
    return (await this.#ask(`${modelPath(name)}/default`, { method: "PUT" }, how)).json();
  }

  async submit(operation, image, options, how = {}) {
    // Sent twice, it is one job all the same.
    const headers = { Prefer: "respond-async", "Idempotency-Key": randomKey() };
    return this.#job(operation, { method: "POST", body: asForm("image", image, options) }, { ...how, headers });
  }

  async sendVideo(film, options, how) {
    return this.#job("videos", { method: "POST", body: asForm("video", film, options) }, how);
  }

  async job(job, how) {
    return this.#job(`jobs/${job.id ?? job}`, { method: "GET" }, how);
  }

  async cancel(job, how) {
    return this.#job(`jobs/${job.id ?? job}`, { method: "DELETE" }, how);
  }

  async wait(job, { onProgress, pollMs = POLL_MS, ...how } = {}) {
    for (;;) {
      const told = await this.job(job, how);
      if (OVER.includes(told.state)) return told;
      onProgress?.(told);
      await pause(pollMs, how.signal);
    }
  }

  async jobResult(job, how) {
    if (job.state === "done") return this.#ask(`jobs/${job.id}/result`, { method: "GET" }, how);
    throw new JobFailed(job.failure?.code ?? job.state, job.failure?.detail ?? `the job is ${job.state}`);
  }

  // Yields [name, result or error] as they are done. Leaving the loop aborts what runs.
  async *batch(operation, pictures, options, { concurrency = 4, signal } = {}) {
    const leaving = new AbortController();
    const how = { signal: signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal, headers: BULK };
    const waiting = named(pictures);
    const running = new Map();
    const begin = ({ name, picture }) => {
      const ask = this.#run(operation, picture, options, how);
      running.set(name, ask.then((result) => ({ name, result }), (error) => ({ name, error })));
    };
    try {
      for (;;) {
        while (running.size < concurrency) {
          const { value, done } = await waiting.next();
          if (done) break;
          begin(value);
        }
        if (!running.size) return;
        const { name, result, error } = await Promise.race(running.values());
        running.delete(name);
        if (error && !(error instanceof SilhouetteError)) throw error;
        yield [name, result ?? error];
      }
    } finally {
      leaving.abort();
      await Promise.allSettled(running.values());
    }
  }

  async #run(operation, image, options = {}, how = {}) {
    return this.#ask(operation, { method: "POST", body: asForm("image", image, options) }, how);
  }

  async #job(path, request, how) {
    return (await this.#ask(path, request, how)).json();
  }

  async #ask(path, request, { signal, timeoutMs = this.#options.timeoutMs, headers = {} } = {}) {
    const ends = Date.now() + timeoutMs;
    let pauseMs = FIRST_PAUSE_MS;
    let connectionsLeft = CONNECTION_TRIES;
    for (;;) {
      const error = await this.#try(path, request, headers, Math.max(1, ends - Date.now()), signal);
      if (error instanceof Result) return error;
      if (error instanceof ConnectionFailed) connectionsLeft -= 1;
      if (!(error instanceof Busy || error instanceof ConnectionFailed) || !connectionsLeft) throw error;
      const chanceMs = pauseMs * (0.5 + Math.random() / 2);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      // Those who were told the same moment do not all come back at it.
      const waitMs = error.retryAfterMs === null ? chanceMs : error.retryAfterMs + Math.min(chanceMs, 1_000);
      if (Date.now() + waitMs >= ends) throw error;
      await pause(waitMs, signal);
    }
  }

  // The result, or what went wrong. Throws only what `signal` was aborted with.
  async #try(path, request, headers, leftMs, signal) {
    const late = AbortSignal.timeout(leftMs + GRACE_MS);
    const { key } = this.#options;
    const said = { "X-Request-Timeout-Ms": String(Math.round(leftMs)), ...(key && { "X-Api-Key": key }), ...headers };
    try {
      const either = signal ? AbortSignal.any([signal, late]) : late;
      const response = await fetch(`${this.#url}/${path}`, { ...request, headers: said, signal: either });
      return response.ok ? new Result(await response.blob(), response.headers) : await errorIn(response);
    } catch (cause) {
      signal?.throwIfAborted();
      if (late.aborted) return new Late("no_answer", "the service did not answer in time", { cause });
      return new ConnectionFailed("connection_failed", cause.cause?.message ?? cause.message, { cause });
    }
  }
}

function modelPath(name) {
  return `models/${encodeURIComponent(name)}`;
}

// Not `randomUUID`, which a page has by https alone.
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function asForm(name, content, options = {}) {
  const form = new FormData();
  form.append(name, asBlob(content), name);
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (isPicture(value)) form.append(option, asBlob(value), option);
    else form.append(option, asText(value));
  }
  return form;
}

function asText(value) {
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

async function errorIn(response) {
  const problem = await response.json().catch(() => null);
  const { code, detail, request_id: requestId } = problem ?? {};
  const { status } = response;
  const kind = code === "no_foreground" ? NoForeground : (KINDS[status] ?? (status < 500 ? InputError : ServiceFault));
  return new kind(code ?? `http_${status}`, detail ?? `the service answers ${status}`, {
    status,
    requestId: requestId ?? response.headers.get("X-Request-Id") ?? "",
    retryAfterMs: retryAfterMs(response.headers.get("Retry-After")),
  });
}

// RFC 9110, 10.2.3: seconds or a date; null where it says neither.
function retryAfterMs(header) {
  if (header === null) return null;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

function isPicture(value) {
  return value instanceof Blob || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function asBlob(picture) {
  if (!isPicture(picture)) throw new TypeError("a picture is a Blob, a File, an ArrayBuffer or a typed array");
  return picture instanceof Blob ? picture : new Blob([picture]);
}

// A name for each: those of pairs, else a file's own, else its number. A name that came before gets its number too.
async function* named(pictures) {
  const names = new Set();
  let number = 0;
  for await (const entry of pictures) {
    const [given, picture] = Array.isArray(entry) ? entry : [entry.name, entry];
    const name = given === undefined || names.has(given) ? [given, number].filter((part) => part !== undefined).join("-") : given;
    names.add(name);
    number += 1;
    yield { name: String(name), picture };
  }
}
