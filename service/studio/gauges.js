// How fast it is: frames a second, how old a frame is when it is seen, and where that time went.

import { make } from "./dom.js";

const SHOWN_EVERY_MS = 500;
const WINDOW_MS = 2000;

export class Gauges {
  constructor(tab) {
    this.values = Object.fromEntries([...tab.querySelectorAll("[data-gauge]")].map((value) => [value.dataset.gauge, value]));
    this.reset();
  }

  reset() {
    Object.assign(this, { seen: [], shownMs: 0 });
    for (const value of Object.values(this.values)) value.textContent = "–";
  }

  /** A frame was seen, `latencyMs` after it was taken; `header` is the service's. */
  add(nowMs, latencyMs, header) {
    const serverMs = Object.values(header.ms ?? {}).reduce((sum, ms) => sum + ms, 0);
    this.seen = [...this.seen.filter(({ atMs }) => nowMs - atMs < WINDOW_MS), { atMs: nowMs, latencyMs, serverMs }];
    if (nowMs - this.shownMs < SHOWN_EVERY_MS) return;
    this.shownMs = nowMs;
    const spanMs = nowMs - this.seen[0].atMs;
    const latencies = this.seen.map((frame) => frame.latencyMs);
    if (spanMs > 0) this.#say("fps", (1000 * (this.seen.length - 1)) / spanMs);
    this.#say("latency", quantileOf(latencies, 0.5), "ms");
    this.#say("slow", quantileOf(latencies, 0.95), "ms");
    this.#say("server", quantileOf(this.seen.map((frame) => frame.serverMs), 0.5), "ms");
    this.#say("dropped", header.dropped ?? 0);
  }

  #say(name, value, unit = "") { this.values[name].replaceChildren(value.toFixed(0), make("small", { text: unit })); }
}

const quantileOf = (values, share) => values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(share * values.length))];
