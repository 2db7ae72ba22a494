// The photos of this visit, each with what became of it. They are kept in this page, and gone with it.

import { byId, make, onClick } from "./dom.js";
import { bitmapOf } from "./pixels.js";

const SIDE_PX = 112;
const MOST = 24;

export class Filmstrip {
  /** `onChoose(entry)` hears which one is wanted back, `onClear()` that none is. */
  constructor(onChoose, onClear) {
    Object.assign(this, { onChoose, entries: [] });
    onClick("photo-strip-clear", () => {
      for (const entry of [...this.entries]) this.remove(entry);
      onClear();
    });
  }

  /** A file that is open, or waits to be: `{file, shot}`, where `shot` is for whoever opens it. */
  add(file) {
    const canvas = make("canvas", { width: SIDE_PX, height: SIDE_PX, "aria-hidden": "true" });
    const frame = make("button", { type: "button", class: "frame", title: file.name, "aria-label": file.name, onclick: () => this.onChoose(entry) }, canvas);
    const entry = { file, shot: null, canvas, frame, item: make("li", {}, frame) };
    this.entries.push(entry);
    byId("photo-strip").querySelector("ul").append(entry.item);
    if (this.entries.length > MOST) this.remove(this.entries[0]);
    this.#count();
    this.#preview(entry);
    return entry;
  }

  remove(entry) {
    this.entries = this.entries.filter((each) => each !== entry);
    entry.item.remove();
    this.#count();
  }

  /** This one is on the stage. */
  mark(entry) {
    for (const each of this.entries) each.frame.setAttribute("aria-current", String(each === entry));
  }

  /** What has become of it by now. */
  show(entry, picture) {
    entry.isShown = true;
    const context = entry.canvas.getContext("2d");
    const scale = SIDE_PX / Math.max(picture.width, picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    context.clearRect(0, 0, SIDE_PX, SIDE_PX);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, (SIDE_PX - width) / 2, (SIDE_PX - height) / 2, width, height);
  }

  /** Until it is opened, the photo itself. */
  async #preview(entry) {
    const photo = await bitmapOf(entry.file);
    if (photo && !entry.isShown) this.show(entry, photo);
  }

  #count() { byId("photo-strip").hidden = this.entries.length < 2; }
}
