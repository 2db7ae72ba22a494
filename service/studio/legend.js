// The classes of the photo on the stage: which is under the pointer, lit, kept or let go.

import { byId, make } from "./dom.js";

export class Legend {
  /** `onKeep(names)`: null is the model's own choice. */
  constructor(viewer, onKeep) {
    Object.assign(this, { viewer, onKeep, labels: null, items: new Map() });
  }

  /** The classes of a LabelMap, the largest first; null hides them. `kept` are names, or null. */
  show(labels, kept) {
    this.labels = labels;
    byId("photo-legend").hidden = !labels;
    if (labels) this.#list(new Set(kept ?? this.#defaults()));
    this.point(-1, -1);
  }

  point(x, y, event) {
    const entry = event ? this.labels?.classAt(x, y) : undefined;
    for (const [name, item] of this.items) item.classList.toggle("pointed-at", name === entry?.name);
    this.#light(entry);
    const chip = byId("photo-pointed");
    chip.hidden = !entry;
    if (!entry) return;
    chip.replaceChildren(dotOf(entry), entry.name);
    const bounds = byId("photo-stage").getBoundingClientRect();
    chip.style.translate = `${event.clientX - bounds.left + 14}px ${event.clientY - bounds.top + 14}px`;
  }

  #list(kept) {
    const { labels } = this;
    this.kept = kept;
    const present = labels.classes.filter(({ id }) => labels.fraction(id) > 0);
    present.sort((one, other) => labels.fraction(other.id) - labels.fraction(one.id));
    this.items = new Map(present.map((entry) => [entry.name, this.#item(entry)]));
    byId("photo-classes").replaceChildren(...this.items.values());
  }

  /** Keeps a class that was not kept, and lets one go that was: but never the last. */
  #toggle(name) {
    const kept = new Set(this.kept);
    if (!kept.delete(name)) kept.add(name);
    const isSomethingLeft = [...kept].some((each) => this.items.has(each));
    if (isSomethingLeft) this.kept = kept;
    for (const [each, item] of this.items) item.querySelector("input").checked = this.kept.has(each);
    if (isSomethingLeft) this.onKeep(this.#chosen());
  }

  #defaults = () => this.labels.classes.filter(({ foreground }) => foreground).map(({ name }) => name);

  /** Null where it comes to the same as the model's own choice, in this picture. */
  #chosen() {
    const inPicture = (names) => [...names].filter((name) => this.items.has(name));
    const kept = inPicture(this.kept);
    return String(kept.toSorted()) === String(inPicture(this.#defaults()).toSorted()) ? null : kept;
  }

  #light(entry) {
    const shade = entry && this.labels ? this.labels.shade(entry) : null;
    if (shade === this.viewer.shade) return;
    this.viewer.shade = shade;
    this.viewer.draw();
  }

  #item(entry) {
    const fraction = this.labels.fraction(entry.id);
    const box = make("input", { type: "checkbox", checked: this.kept.has(entry.name), onchange: () => this.#toggle(entry.name) });
    const area = make("span", { class: "area" }, make("i", { style: { width: `${100 * fraction}%` } }));
    return make("li", { "data-class": entry.name, onpointerenter: () => this.#light(entry), onpointerleave: () => this.#light(null) },
      make("label", {}, box, dotOf(entry), make("span", { text: entry.name }), make("output", { text: percent(fraction) }), area));
  }
}

const dotOf = ({ color }) => make("span", { class: "dot", style: { backgroundColor: color } });

const percent = (fraction) => (fraction < 0.01 ? "< 1%" : `${Math.round(100 * fraction)}%`);
