// A brush over the photo: what it paints is kept, or erased. A tool of viewer.js.

import { byId } from "./dom.js";
import { drawStroke } from "./corrections.js";

const LARGEST = 0.12; // radius by the photo's longer side, at size 100
const COLORS = { keep: "#2bd47dc0", erase: "#ff4d5ec0" };
const SOFT_CORE = 0.35; // of the radius: what a brush without hardness is sure of; the service finds the rest

export class Brush {
  constructor({ onStroke, onUse, onDraw }) {
    Object.assign(this, { onStroke, onDraw, mode: "look", stroke: null, place: null });
    this.size = byId("photo-brush-size");
    this.hardness = byId("photo-brush-hardness");
    byId("photo-brush").addEventListener("change", ({ target }) => {
      if (target.name === "brush") this.mode = target.value;
      onUse();
    });
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  get isInHand() { return this.mode !== "look"; }

  use(photo) {
    this.photo = photo;
    this.stroke = this.place = this.subject = null;
  }

  /** What was painted has come back, as the subject cut out. */
  done(subject) {
    this.subject = subject;
    this.stroke = null;
  }

  down(x, y) {
    const { radius, mode } = this;
    const core = radius * (SOFT_CORE + (1 - SOFT_CORE) * (this.hardness.value / 100));
    this.isDown = true;
    this.stroke = { isKept: mode === "keep", radius: core, points: [[x, y]] };
    this.move(x, y);
  }

  move(x, y) {
    this.place = [x, y];
    if (this.isDown) this.stroke.points.push([x, y]);
    this.onDraw();
  }

  up() {
    this.isDown = false;
    this.onStroke(this.stroke);
  }

  cancel() {
    this.isDown = false;
    this.stroke = null;
    this.onDraw();
  }

  /** `context` is in the photo's pixels; one of them is `scale` on the screen. */
  paint(context, scale) {
    if (this.stroke) drawStroke(context, this.stroke, COLORS[this.stroke.isKept ? "keep" : "erase"]);
    if (!this.place) return;
    const [x, y] = this.place;
    for (const [style, width] of [["#000a", 3], ["#fff", 1.5]]) {
      Object.assign(context, { strokeStyle: style, lineWidth: width / scale });
      context.beginPath();
      context.arc(x, y, this.radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  get radius() { return Math.max(1, (this.size.value / 100) * LARGEST * Math.max(this.photo.width, this.photo.height)); }

  /** As everywhere: [ is smaller, ] is larger. */
  #key(event) {
    const step = { "[": -4, "]": 4 }[event.key];
    if (!step || !this.isInHand || event.target.matches("input[type=text]")) return;
    this.size.value = Number(this.size.value) + step;
    this.onDraw();
  }
}
