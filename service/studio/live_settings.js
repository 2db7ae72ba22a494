// How the Live tab works, apart from what it shows: camera, size, where it is composed, smoothing.

import { make } from "./dom.js";
import { field } from "./fields.js";
import { cameras } from "./camera.js";

const SIZES = { "640 × 480": [640, 480], "960 × 540": [960, 540], "1280 × 720": [1280, 720] };

const COMPOSED = {
  name: "composed",
  description: "In this page: only mattes come back, which are small. By the service: whole pictures, made with every option it has.",
  schema: { enum: ["In this page", "By the service"], default: "In this page" },
};
const SMOOTHING = {
  name: "smoothing",
  description: "How much a matte leans on the ones before it where the network is unsure. Keeps edges from flickering.",
  schema: { type: "number", minimum: 0, maximum: 0.98, multipleOf: 0.02, default: 0.9 },
};
const MIRROR = { name: "mirror", description: "As you know yourself from a mirror.", schema: { type: "boolean", default: true } };

export class LiveSettings {
  /** Fills `root`. `onChange` hears of what a running session can take over, `onRestart` of what needs a new one. */
  constructor(root, onChange, onRestart) {
    this.camera = make("select", { id: "live-camera", onchange: onRestart }, make("option", { value: "", text: "The browser's choice" }));
    this.size = make("select", { id: "live-size", onchange: onRestart }, Object.keys(SIZES).map((text) => make("option", { text })));
    this.composedField = field(COMPOSED, onChange);
    this.smoothingField = field(SMOOTHING, onChange);
    this.mirrorField = field(MIRROR, onChange);
    root.replaceChildren(make("div", { class: "fields" },
      labelled("Camera", this.camera), labelled("Size", this.size),
      this.composedField.element, this.smoothingField.element, this.mirrorField.element));
  }

  get videoWish() {
    const [width, height] = SIZES[this.size.value];
    return { width, height, deviceId: this.camera.value };
  }

  /** What the service is asked to send. */
  get output() { return this.composedField.value === "" ? "matte" : "composite"; }

  get smoothing() { return Number(this.smoothingField.value || SMOOTHING.schema.default); }

  get isMirrored() { return this.mirrorField.value === ""; }

  /** Fills the list of cameras, once one was allowed. */
  async listCameras() {
    const chosen = this.camera.value;
    const options = (await cameras()).map(({ deviceId, label }, index) => make("option", { value: deviceId, text: label || `Camera ${index + 1}` }));
    this.camera.replaceChildren(this.camera.options[0], ...options);
    this.camera.value = chosen;
  }
}

const labelled = (text, control) => make("div", { class: "field" },
  make("div", { class: "field-head" }, make("label", { for: control.id, text })), control);
