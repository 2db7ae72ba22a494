// A few frames of a film, each with what becomes of it.

import { make, moment } from "./dom.js";
import { UNHURRIED, askFor } from "./service.js";

export class Stills {
  constructor(root) { Object.assign(this, { root, all: [], isBefore: false }); }

  /** `[{atS, file}]`, as they are in the film, which `lasts` so many seconds. */
  show(stills, lasts = 0) {
    for (const { before, after } of this.all) for (const url of [before, after]) if (url) URL.revokeObjectURL(url);
    this.all = stills.map(({ atS, file }) => ({ atS, file, before: URL.createObjectURL(file), image: make("img", { alt: `At ${moment(atS, lasts)}` }) }));
    this.root.replaceChildren(...this.all.map(({ image, atS }) => make("li", {}, image, make("span", { text: moment(atS, lasts) }))));
    this.#draw();
  }

  /** Shows what `request` makes of each, as it comes. Throws Problem, or AbortError. */
  async make(request, signal) {
    await Promise.all(this.all.map(async (still) => {
      const blob = await (await askFor(request, still.file, { signal, headers: UNHURRIED })).blob();
      if (still.after) URL.revokeObjectURL(still.after);
      still.after = URL.createObjectURL(blob);
      this.#draw();
    }));
  }

  compare(isBefore) {
    this.isBefore = isBefore;
    this.#draw();
  }

  #draw() {
    for (const { image, before, after } of this.all) image.src = (!this.isBefore && after) || before;
  }
}
