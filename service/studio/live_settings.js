// How the Live tab works, apart from what it shows: camera, size, where it is composed, smoothing.

import { byId, make } from "./dom.js";
import { field } from "./fields.js";
import { cameras } from "./camera.js";

const OPTIONS = {
  composed: {
    description: "In this page: only mattes come back, which are small. By the service: whole pictures, made with every option it has.",
    schema: { enum: ["In this page", "By the service"], default: "In this page" },
  },
  smoothing: {
    description: "How much a matte leans on the ones before it where the network is unsure. Keeps edges from flickering.",
    schema: { type: "number", minimum: 0, maximum: 0.98, multipleOf: 0.02, default: 0.9 },
  },
  mirror: { description: "As you know yourself from a mirror.", schema: { type: "boolean", default: true } },
};

export class LiveSettings {
  /** Adds to `root`. `onChange` hears of what a running session can take over, `onRestart` of what needs a new one. */
  constructor(root, onChange, onRestart) {
    [this.camera, this.size] = ["live-camera", "live-size"].map(byId);
    for (const select of [this.camera, this.size]) select.addEventListener("change", onRestart);
    this.fields = Object.fromEntries(Object.entries(OPTIONS).map(([name, option]) => [name, field({ name, ...option }, onChange)]));
    root.append(...Object.values(this.fields).map(({ element }) => element));
  }

  get videoWish() {
    const [width, height] = this.size.value.split(" × ").map(Number);
    return { width, height, deviceId: this.camera.value };
  }

  /** What the service is asked to send. */
  get output() { return this.fields.composed.value === "" ? "matte" : "composite"; }

  get smoothing() { return Number(this.fields.smoothing.value || OPTIONS.smoothing.schema.default); }

  get isMirrored() { return this.fields.mirror.value === ""; }

  /** Fills the list of cameras, once one was allowed. */
  async listCameras() {
    const chosen = this.camera.value;
    const options = (await cameras()).map(({ deviceId, label }, index) => make("option", { value: deviceId, text: label || `Camera ${index + 1}` }));
    this.camera.replaceChildren(this.camera.options[0], ...options);
    this.camera.value = chosen;
  }
}
