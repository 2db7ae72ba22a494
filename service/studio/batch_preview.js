// A picture of the Batch tab, large: as it was and what became of it, the ones beside it, and choices of its own.

import { byId, onClicks } from "./dom.js";
import { Choices } from "./choices.js";

const part = (name) => byId(`preview-${name}`);
const dialog = byId("batch-preview");

export class Preview {
  /** `common()` is the request of all, and `onOwn()` hears that the item has another one of its own. */
  constructor(catalogue, { items, common, onOwn, onMake, onCorrect }) {
    Object.assign(this, { catalogue, items, onOwn });
    onClicks("preview", {
      previous: () => this.#step(-1),
      next: () => this.#step(1),
      before: () => this.#show(!this.isBefore),
      make: () => onMake(this.item),
      correct: () => { dialog.close(); onCorrect(this.item); },
    });
    part("own").addEventListener("change", () => this.#use(part("own").checked ? common() : null));
    dialog.addEventListener("close", () => this.#forget());
    dialog.addEventListener("keydown", ({ key, target }) => { if (!target.closest("input, select")) this.#step({ ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0); });
  }

  open(item) {
    this.#go(item);
    dialog.showModal();
  }

  refresh() {
    if (dialog.open) this.#show(this.isBefore);
  }

  #step(by) {
    const items = this.items();
    if (by) this.#go(items.at((items.indexOf(this.item) + by) % items.length));
  }

  #go(item) {
    this.item = item;
    this.#showOwn();
    this.#show(false);
  }

  #use(request) {
    const isNew = !this.item.own !== !request;
    this.item.own = request;
    if (isNew) this.#showOwn();
    this.onOwn();
  }

  #showOwn() {
    const { own } = this.item;
    part("own").checked = Boolean(own);
    part("choices").hidden = !own;
    if (!own) return;
    this.choices ??= new Choices(part("choices"), this.catalogue, () => this.choices && this.#use(this.choices.request));
    this.choices.use(own);
  }

  #show(isBefore) {
    const { file, picture, state, isMade } = this.item;
    const shown = (!isBefore && picture) || file;
    this.isBefore = isBefore;
    part("name").textContent = file.name;
    part("before").hidden = !picture;
    part("before").ariaPressed = String(isBefore);
    part("make").hidden = isMade;
    part("make").disabled = ["sent", "held"].includes(state);
    part("picture").alt = shown === picture ? "The result" : "The picture as it was";
    if (shown === this.shown) return;
    this.#forget();
    this.shown = shown;
    part("picture").src = URL.createObjectURL(shown);
  }

  #forget() {
    const picture = part("picture");
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.removeAttribute("src");
    this.shown = null;
  }
}
