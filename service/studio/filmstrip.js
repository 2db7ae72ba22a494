// The photos of this visit, each with what became of it. They are kept in this page, and gone with it.

import { byId, copyOf, onClicks } from "./dom.js";
import { bitmapOf, drawInMiddle } from "./pixels.js";

const MOST = 24;

export class Filmstrip {
  constructor(onChoose, onClear) {
    Object.assign(this, { onChoose, entries: [] });
    onClicks("photo", {
      "strip-clear": () => {
        for (const entry of [...this.entries]) this.remove(entry);
        onClear();
      },
    });
  }

  /** A file that is open, or waits to be: `{file, shot}`, where `shot` is for whoever opens it. */
  add(file) {
    const entry = { file, shot: null, ...copyOf("frame") };
    entry.frame.title = entry.frame.ariaLabel = file.name;
    entry.frame.addEventListener("click", () => this.onChoose(entry));
    this.entries.push(entry);
    byId("photo-strip").querySelector("ul").append(entry.element);
    if (this.entries.length > MOST) this.remove(this.entries[0]);
    this.#count();
    this.#preview(entry);
    return entry;
  }

  remove(entry) {
    this.entries = this.entries.filter((each) => each !== entry);
    entry.element.remove();
    this.#count();
  }

  mark(entry) {
    for (const each of this.entries) each.frame.setAttribute("aria-current", String(each === entry));
  }

  show(entry, picture) {
    entry.isShown = true;
    const context = entry.canvas.getContext("2d");
    context.reset();
    context.imageSmoothingQuality = "high";
    drawInMiddle(context, picture, Math.min);
  }

  async #preview(entry) {
    const photo = await bitmapOf(entry.file);
    if (photo && !entry.isShown) this.show(entry, photo);
  }

  #count() { byId("photo-strip").hidden = this.entries.length < 2; }
}
