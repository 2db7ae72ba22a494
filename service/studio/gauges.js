// How fast it is: frames a second, how old a frame is when it is seen, and where that time went.

import { make } from "./dom.js";

const SHOWN_EVERY_MS = 500;
const WINDOW_MS = 2000;

export class Gauges {
  constructor(list) {
    this.values = {};
    const row = (name, title) => {
      this.values[name] = make("dd", { text: "–", "data-gauge": name });
      return make("div", {}, make("dt", { text: title }), this.values[name]);
    };
    list.replaceChildren(row("fps", "Frames a second"), row("latency", "Latency"), row("slow", "95th percentile"), row("server", "Of it, the service"), row("dropped", "Dropped"));
    this.reset();
  }

  reset() {
    this.seen = [];
    this.shownMs = 0;
    for (const value of Object.values(this.values)) value.textContent = "–";
  }

  /** One frame was seen, `latencyMs` after it was taken; `header` is what the service said of it. */
  add(nowMs, latencyMs, header) {
    const serverMs = Object.values(header.ms ?? {}).reduce((sum, ms) => sum + ms, 0);
    this.seen = [...this.seen.filter(({ atMs }) => nowMs - atMs < WINDOW_MS), { atMs: nowMs, latencyMs, serverMs }];
    if (nowMs - this.shownMs < SHOWN_EVERY_MS) return;
    this.shownMs = nowMs;
    this.#show(header.dropped ?? 0);
  }

  #show(dropped) {
    const spanMs = this.seen.at(-1).atMs - this.seen[0].atMs;
    const latencies = this.seen.map(({ latencyMs }) => latencyMs).sort((one, other) => one - other);
    const servers = this.seen.map(({ serverMs }) => serverMs).sort((one, other) => one - other);
    if (spanMs > 0) this.#say("fps", ((1000 * (this.seen.length - 1)) / spanMs).toFixed(0));
    this.#say("latency", quantileOf(latencies, 0.5).toFixed(0), "ms");
    this.#say("slow", quantileOf(latencies, 0.95).toFixed(0), "ms");
    this.#say("server", quantileOf(servers, 0.5).toFixed(0), "ms");
    this.#say("dropped", String(dropped));
  }

  #say(name, text, unit = "") {
    this.values[name].replaceChildren(text, make("small", { text: unit }));
  }
}

const quantileOf = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
