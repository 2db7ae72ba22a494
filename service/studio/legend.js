// The classes in a picture: their colours and areas, and which of them are the subject.

import { make } from "./dom.js";

export class Legend {
  /** `onHover(entry)` hears which class is pointed at (null: none), `onKeep(names)` which are kept (null: the default). */
  constructor(card, list, { onHover, onKeep }) {
    Object.assign(this, { card, list, onHover, onKeep });
    this.labels = null;
  }

  /** Shows the classes of a LabelMap, the largest first; null hides the legend. */
  show(labels, keptNames) {
    this.labels = labels;
    this.card.hidden = !labels;
    if (!labels) return;
    this.kept = new Set(keptNames ?? this.#defaults());
    const present = labels.classes.filter(({ id }) => labels.fraction(id) > 0);
    present.sort((one, other) => labels.fraction(other.id) - labels.fraction(one.id));
    this.items = new Map(present.map((entry) => [entry.name, this.#item(entry)]));
    this.list.replaceChildren(...this.items.values());
  }

  /** Keeps a class that was not kept, and lets one go that was: but never the last. */
  toggle(name) {
    const kept = new Set(this.kept);
    if (!kept.delete(name)) kept.add(name);
    const isSomethingLeft = [...kept].some((each) => this.items.has(each));
    if (isSomethingLeft) this.kept = kept;
    for (const [each, item] of this.items) item.querySelector("input").checked = this.kept.has(each);
    if (isSomethingLeft) this.onKeep(this.#chosen());
    return isSomethingLeft;
  }

  /** Marks the class under the pointer. */
  point(entry) {
    for (const [name, item] of this.items ?? []) item.classList.toggle("pointed-at", name === entry?.name);
  }

  #defaults = () => this.labels.classes.filter(({ foreground }) => foreground).map(({ name }) => name);

  /** Null where it comes to the same as the model's own choice, in this picture. */
  #chosen() {
    const inPicture = (names) => names.filter((name) => this.items.has(name)).sort().join(",");
    const kept = [...this.kept].filter((name) => this.items.has(name));
    return inPicture(kept) === inPicture(this.#defaults()) ? null : kept;
  }

  #item(entry) {
    const fraction = this.labels.fraction(entry.id);
    const box = make("input", { type: "checkbox", checked: this.kept.has(entry.name), onchange: () => this.toggle(entry.name) });
    const dot = make("span", { class: "dot" });
    dot.style.backgroundColor = entry.color;
    const bar = make("i");
    bar.style.width = `${100 * fraction}%`;
    const item = make("li", { "data-class": entry.name },
      make("label", {}, box, dot, make("span", { text: entry.name }), make("output", { text: percent(fraction) }),
        make("span", { class: "area" }, bar)));
    item.addEventListener("pointerenter", () => this.onHover(entry));
    item.addEventListener("pointerleave", () => this.onHover(null));
    return item;
  }
}

const percent = (fraction) => (fraction < 0.01 ? "< 1%" : `${Math.round(100 * fraction)}%`);
