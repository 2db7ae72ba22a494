// The Service tab: how the service is doing, from /metrics every two seconds while somebody looks.

import { adviceCard } from "./advice.js";
import { byId, make } from "./dom.js";
import { ask } from "./service.js";
import { Chart } from "./chart.js";
import { Reading, growth, quantile } from "./metrics.js";

const INTERVAL_S = 2;
const STAGES = ["read", "wait", "decode", "queue", "infer", "matte", "compose", "encode"];
const SPAN = 30; // readings: latencies are those of the last minute

/** Title, the least that fills the height, and `[value, text, words beside it]` of a reading, the one before it and the
 *  first of the span. */
const CHARTS = [
  ["Waiting for a worker", 4, ({ now }) => whole(now.sum("silhouette_queue_depth"), `oldest ${seconds(now.sum("silhouette_oldest_wait_seconds"))}`)],
  ["Requests in flight", 4, ({ now }) => whole(now.sum("silhouette_permits_in_use"), `of ${now.sum("silhouette_permits")}`)],
  ["Answers a second", 2, ({ now, last }) => {
    const rate = rateOf(last, now, "silhouette_requests_total", isWork);
    const failed = now.sum("silhouette_requests_total", (labels) => isWork(labels) && labels.reason !== "ok");
    return [rate, rate.toFixed(1), failed ? `${failed} failed since it started` : "none failed"];
  }],
  ["Latency, 95th percentile", 100, ({ now, since }) => {
    const [slow, usual] = [0.95, 0.5].map((share) => quantile(since, now, "silhouette_request_seconds", share, isWork));
    return slow === null ? [0, "–", "ms"] : whole(1000 * slow, `ms, median ${Math.round(1000 * usual)}`);
  }],
  ["Live sessions", 2, ({ now, last }) => whole(now.sum("silhouette_stream_sessions"), `${rateOf(last, now, "silhouette_stream_frames_total").toFixed(0)} frames a second`)],
  ["Event loop lag", 20, ({ now }) => whole(1000 * now.sum("silhouette_event_loop_lag_seconds"), "ms")],
];

const UNCOUNTED = ["other", "/models", "/models/{name}", "/models/{name}/default", "/livez", "/readyz", "/startupz", "/metrics"];

const isWork = ({ route }) => !UNCOUNTED.includes(route);

const whole = (value, words) => [value, value.toFixed(0), words];
const rateOf = (last, now, ...what) => (last ? growth(last, now, ...what) / INTERVAL_S : 0);
const seconds = (value) => (value < 1 ? `${(1000 * value).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(1)} s`);

export class ServiceTab {
  constructor() {
    this.readings = [];
    this.charts = CHARTS.map(([title, least]) => new Chart(title, { least }));
    byId("service-tiles").before(...this.charts.map(({ element }) => element));
  }

  setVisible(isVisible) {
    clearInterval(this.timer);
    if (!isVisible) return;
    this.timer = setInterval(() => this.#read(), 1000 * INTERVAL_S);
    this.#read();
  }

  async #read() {
    try {
      this.#show(new Reading(await (await ask("metrics")).text()));
      byId("service-trouble").hidden = true;
    } catch (problem) {
      byId("service-trouble").hidden = false;
      byId("service-trouble").replaceChildren(adviceCard(problem));
    }
  }

  #show(now) {
    const [last, since] = [this.readings.at(-1), this.readings[0] ?? null];
    this.readings = [...this.readings, now].slice(-SPAN);
    CHARTS.forEach(([, , valueOf], index) => this.charts[index].add(...valueOf({ now, last, since })));
    this.#showStages(now, since);
    const memory = new Map(now.all("silhouette_rss_bytes").map(({ labels, value }) => [labels.process, value]));
    const nodes = new Map(now.all("silhouette_worker_node").map(({ labels }) => [labels.worker, labels.node]));
    byId("service-workers").replaceChildren(...now.all("silhouette_worker_state").map(({ labels: { worker, state, device } }) => {
      const [bytes, node] = [memory.get(`worker-${worker}`), nodes.get(worker)];
      return row(worker, pill(state, state), node ? `${device} on ${node}` : device, bytes ? `${Math.round(bytes / 1e6)} MB` : "–");
    }));
    byId("service-models").replaceChildren(...now.all("silhouette_model_loaded").map(({ labels, value }) => row(labels.model, value ? pill("idle", "loaded") : pill("starting", "asleep"))));
  }

  #showStages(now, since) {
    const stages = STAGES.map((stage) => ({ stage, ...stageOf(now, since, stage) })).filter(({ mean }) => mean !== null);
    const longest = Math.max(...stages.map(({ mean }) => mean), 0.001);
    byId("service-stages").replaceChildren(...stages.map((each) => bar(each, longest)));
    if (!stages.length) byId("service-stages").append(make("li", { class: "quiet", text: "Nothing was asked yet." }));
  }
}

/** `{mean, slow}` in seconds of what ran since; where nothing did, of all that ever ran. */
function stageOf(now, since, stage) {
  const isStage = (labels) => labels.stage === stage;
  const name = "silhouette_stage_seconds";
  const from = growth(since, now, `${name}_count`, isStage) ? since : null;
  const count = growth(from, now, `${name}_count`, isStage);
  return { mean: count ? growth(from, now, `${name}_sum`, isStage) / count : null, slow: quantile(from, now, name, 0.95, isStage) };
}

const bar = ({ stage, mean, slow }, longest) => make("li", {}, make("span", { text: stage }),
  make("span", { class: "track" }, make("i", { style: { width: `${(100 * mean) / longest}%` } })),
  make("span", { class: "figure", text: `${seconds(mean)}, p95 ${seconds(slow ?? 0)}` }));

const row = (...cells) => make("tr", {}, cells.map((cell) => make("td", {}, cell)));
const pill = (kind, text) => make("span", { class: `pill ${kind}`, text });
