// The classes of the photo on the stage: which is under the pointer, lit, kept or let go.

import { byId, make } from "./dom.js";
import { Legend } from "./legend.js";

export class Classes {
  /** `onKeep(names)` hears which are kept (null: the model's own choice). */
  constructor(viewer, onKeep) {
    this.viewer = viewer;
    this.labels = null;
    this.legend = new Legend(byId("photo-legend"), byId("photo-classes"), { onHover: (entry) => this.#light(entry), onKeep });
  }

  /** A LabelMap, or null; `kept` are names of classes, or null. */
  show(labels, kept) {
    this.labels = labels;
    this.legend.show(labels, kept);
    this.point(-1, -1);
  }

  /** Says what is at a place of the photo, beside the pointer. */
  point(x, y, event) {
    const entry = event ? this.labels?.classAt(x, y) : undefined;
    const chip = byId("photo-pointed");
    chip.hidden = !entry;
    this.legend.point(entry);
    this.#light(entry);
    if (!entry) return;
    const dot = make("span", { class: "dot" });
    dot.style.backgroundColor = entry.color;
    chip.replaceChildren(dot, entry.name);
    const bounds = byId("photo-stage").getBoundingClientRect();
    chip.style.translate = `${event.clientX - bounds.left + 14}px ${event.clientY - bounds.top + 14}px`;
  }

  /** Only one class stays lit. */
  #light(entry) {
    const shade = entry && this.labels ? this.labels.shade(entry) : null;
    if (shade === this.viewer.shade) return;
    this.viewer.shade = shade;
    this.viewer.draw();
  }
}
