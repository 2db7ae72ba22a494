// The Service tab: how the service is doing, from /metrics every two seconds while somebody looks.

import { byId, make, problemCard } from "./dom.js";
import { ask } from "./service.js";
import { Chart } from "./chart.js";
import { Reading, growth, quantile } from "./metrics.js";

const INTERVAL_MS = 2000;
const STAGES = ["read", "wait", "decode", "queue", "infer", "matte", "compose", "encode"];
const SPAN = 30; // readings: latencies are those of the last minute

export class ServiceTab {
  constructor() {
    this.readings = [];
    this.timer = null;
    this.trouble = make("div", { class: "tile wide", hidden: true });
    this.queue = new Chart("Waiting for a worker", { least: 4 });
    this.inFlight = new Chart("Requests in flight", { least: 4 });
    this.rate = new Chart("Answers a second", { least: 2 });
    this.latency = new Chart("Latency, 95th percentile", { least: 100 });
    this.lag = new Chart("Event loop lag", { least: 20 });
    this.sessions = new Chart("Live sessions", { least: 2 });
    this.stages = make("ul", { class: "bars" });
    this.workers = make("tbody");
    this.models = make("tbody");
    byId("dashboard").replaceChildren(this.trouble, ...this.#tiles());
  }

  setVisible(isVisible) {
    clearInterval(this.timer);
    if (!isVisible) return;
    this.timer = setInterval(() => this.#read(), INTERVAL_MS);
    this.#read();
  }

  async #read() {
    try {
      this.#show(new Reading(await (await ask("metrics")).text()));
      this.trouble.hidden = true;
    } catch (problem) {
      this.trouble.hidden = false;
      this.trouble.replaceChildren(problemCard(problem));
    }
  }

  #show(now) {
    const last = this.readings.at(-1);
    const since = this.readings[0] ?? null;
    this.readings = [...this.readings, now].slice(-SPAN);
    this.#showLoad(now, last);
    this.#showLatency(now, since);
    this.#showStages(now, since);
    this.#showWorkers(now);
  }

  #showLoad(now, last) {
    const gauge = (name) => now.sum(name);
    const queued = gauge("silhouette_queue_depth");
    this.queue.add(queued, String(queued), `oldest ${seconds(gauge("silhouette_oldest_wait_seconds"))}`);
    const inFlight = gauge("silhouette_permits_in_use");
    this.inFlight.add(inFlight, String(inFlight), `of ${gauge("silhouette_permits")}`);
    const rate = last ? growth(last, now, "silhouette_requests_total", isWork) / (INTERVAL_MS / 1000) : 0;
    const refused = now.sum("silhouette_requests_total", (labels) => isWork(labels) && labels.reason !== "ok");
    this.rate.add(rate, rate.toFixed(1), refused ? `${refused} failed since it started` : "none failed");
    const lagMs = 1000 * gauge("silhouette_event_loop_lag_seconds");
    this.lag.add(lagMs, lagMs.toFixed(0), "ms");
    const sessions = gauge("silhouette_stream_sessions");
    const frames = last ? growth(last, now, "silhouette_stream_frames_total") / (INTERVAL_MS / 1000) : 0;
    this.sessions.add(sessions, String(sessions), `${frames.toFixed(0)} frames a second`);
  }

  #showLatency(now, since) {
    const slow = quantile(since, now, "silhouette_request_seconds", 0.95, isWork);
    const usual = quantile(since, now, "silhouette_request_seconds", 0.5, isWork);
    this.latency.add(1000 * (slow ?? 0), slow === null ? "–" : String(Math.round(1000 * slow)), usual === null ? "ms" : `ms, median ${Math.round(1000 * usual)}`);
  }

  #showStages(now, since) {
    const rows = STAGES.map((stage) => ({ stage, ...stageOf(now, since, stage) })).filter(({ mean }) => mean !== null);
    const longest = Math.max(...rows.map(({ mean }) => mean), 0.001);
    this.stages.replaceChildren(...rows.map((row) => bar(row, longest)));
    if (!rows.length) this.stages.replaceChildren(make("li", { class: "quiet", text: "Nothing was asked yet." }));
  }

  #showWorkers(now) {
    const memory = new Map(now.all("silhouette_rss_bytes").map(({ labels, value }) => [labels.process, value]));
    const nodes = new Map(now.all("silhouette_worker_node").map(({ labels }) => [labels.worker, labels.node]));
    const rows = now.all("silhouette_worker_state").map(({ labels }) => workerRow({ ...labels, node: nodes.get(labels.worker) }, memory.get(`worker-${labels.worker}`)));
    this.workers.replaceChildren(...rows);
    this.models.replaceChildren(...now.all("silhouette_model_loaded").map(modelRow));
  }

  #tiles() {
    const head = (...columns) => make("thead", {}, make("tr", {}, columns.map((text) => make("th", { scope: "col", text }))));
    return [
      this.queue.element, this.inFlight.element, this.rate.element, this.latency.element, this.sessions.element, this.lag.element,
      make("section", { class: "card tile wide" }, make("h2", { text: "Where the time goes" }),
        make("p", { class: "quiet small", text: "The mean of each stage, and its 95th percentile, over the last minute." }), this.stages),
      make("section", { class: "card tile wide" }, make("h2", { text: "Workers" }), make("table", { class: "workers" }, head("Worker", "State", "Device", "Memory"), this.workers)),
      make("section", { class: "card tile wide" }, make("h2", { text: "Models" }),
        make("p", { class: "quiet small", text: "What is asleep is loaded again for the first who asks." }),
        make("table", { class: "workers" }, head("Model", "State"), this.models)),
    ];
  }
}

const UNCOUNTED = ["other", "/models", "/models/{name}", "/models/{name}/default", "/livez", "/readyz", "/startupz", "/metrics"];

/** Whether a request was for a picture. */
const isWork = ({ route }) => !UNCOUNTED.includes(route);

/** `{mean, slow}` in seconds of what ran since; where nothing did, of all that ever ran. */
function stageOf(now, since, stage) {
  const isStage = (labels) => labels.stage === stage;
  const name = "silhouette_stage_seconds";
  const from = growth(since, now, `${name}_count`, isStage) ? since : null;
  const count = growth(from, now, `${name}_count`, isStage);
  const mean = count ? growth(from, now, `${name}_sum`, isStage) / count : null;
  return { mean, slow: quantile(from, now, name, 0.95, isStage) };
}

function bar({ stage, mean, slow }, longest) {
  const fill = make("i");
  fill.style.width = `${(100 * mean) / longest}%`;
  return make("li", {}, make("span", { text: stage }), make("span", { class: "track" }, fill),
    make("span", { class: "figure", text: `${seconds(mean)}, p95 ${seconds(slow ?? 0)}` }));
}

function workerRow({ worker, state, device, node }, bytes) {
  const place = node ? `${device} on ${node}` : device;
  const cells = [worker, make("span", { class: `pill ${state}`, text: state }), place, bytes ? `${Math.round(bytes / 1e6)} MB` : "–"];
  return make("tr", {}, cells.map((cell) => make("td", {}, cell)));
}

function modelRow({ labels, value }) {
  const state = value ? "loaded" : "asleep";
  const pill = make("span", { class: `pill ${value ? "idle" : "starting"}`, text: state });
  return make("tr", {}, [labels.model, pill].map((cell) => make("td", {}, cell)));
}

const seconds = (value) => (value < 1 ? `${(1000 * value).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(1)} s`);
