// A line over the last minutes, as small as a line can be.

import { make } from "./dom.js";
import { draw } from "./icons.js";

const WIDTH = 300;
const HEIGHT = 84;
const POINTS = 90;
const HEADROOM = 1.15;

export class Chart {
  /** `least` keeps small values from filling the height. */
  constructor(title, { least }) {
    Object.assign(this, { least, values: [], line: draw("polyline", { class: "line" }), area: draw("polygon", { class: "area" }) });
    this.now = make("p", { class: "now", text: "–" });
    this.element = make("section", { class: "card tile" }, make("h2", { text: title }), this.now,
      draw("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
        draw("line", { class: "floor", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), this.area, this.line));
  }

  add(value, text, unit) {
    this.values = [...this.values, value].slice(-POINTS);
    this.now.replaceChildren(text, make("small", { text: unit }));
    const scale = HEIGHT / (HEADROOM * Math.max(this.least, ...this.values));
    const first = POINTS - this.values.length;
    const points = this.values.map((each, index) => [((first + index) * WIDTH) / (POINTS - 1), HEIGHT - each * scale]);
    const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    this.line.setAttribute("points", line);
    this.area.setAttribute("points", `${points[0][0].toFixed(1)},${HEIGHT} ${line} ${WIDTH},${HEIGHT}`);
  }
}
