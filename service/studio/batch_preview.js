// A picture of the Batch tab, large: as it was and what became of it, the ones beside it, and choices of its own.

import { make } from "./dom.js";
import { Choices } from "./choices.js";

export class Preview {
  /** Fills `dialog`. `common()` is the request of all, `onOwn()` hears that the item has another one of its own, `onMake(item)`
   *  that it is wanted made with that, and `onCorrect(item)` that somebody wants to go on with it by hand. */
  constructor(dialog, catalogue, { items, common, onOwn, onMake, onCorrect }) {
    Object.assign(this, { dialog, catalogue, items, onOwn });
    const button = (text, onclick, kind = "") => make("button", { class: `button ${kind}`, type: "button", text, onclick });
    this.name = make("h2", {});
    this.picture = make("img", { class: "preview-picture", alt: "" });
    this.before = button("Before", () => this.#show(!this.isBefore));
    this.own = make("input", { type: "checkbox", class: "switch", role: "switch", onchange: () => this.#use(this.own.checked ? common() : null) });
    this.side = make("div", { class: "preview-side" });
    this.make = button("Make it", () => onMake(this.item));
    this.correct = button("Correct it", () => { dialog.close(); onCorrect(this.item); });
    this.correct.title = "Opens it in Photo, with a brush";
    dialog.replaceChildren(this.name, make("div", { class: "preview-body" }, this.picture, this.side), make("div", { class: "preview-bar" },
      button("Previous", () => this.#step(-1), "plain"), button("Next", () => this.#step(1), "plain"), this.before,
      make("label", { class: "preview-own" }, this.own, "Choices of its own"),
      make("div", { class: "ends" }, this.make, this.correct, button("Close", () => dialog.close(), "main"))));
    dialog.addEventListener("close", () => this.#forget());
    dialog.addEventListener("keydown", ({ key, target }) => { if (!target.closest("input, select")) this.#step({ ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0); });
  }

  open(item) {
    this.#go(item);
    this.dialog.showModal();
  }

  /** The item may have gone on meanwhile. */
  refresh() {
    if (this.dialog.open) this.#show(this.isBefore);
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

  /** The item's own request from now on; null for that of all. */
  #use(request) {
    const isNew = !this.item.own !== !request;
    this.item.own = request;
    if (isNew) this.#showOwn();
    this.onOwn();
  }

  #showOwn() {
    const { own } = this.item;
    this.own.checked = Boolean(own);
    this.side.hidden = !own;
    if (!own) return;
    this.choices ??= new Choices(this.side, this.catalogue, () => this.choices && this.#use(this.choices.request));
    this.choices.use(own);
  }

  #show(isBefore) {
    const { file, picture, state, isMade } = this.item;
    const shown = (!isBefore && picture) || file;
    this.isBefore = isBefore;
    this.name.textContent = file.name;
    this.before.hidden = !picture;
    this.before.ariaPressed = String(isBefore);
    this.make.hidden = isMade;
    this.make.disabled = ["sent", "held"].includes(state);
    this.picture.alt = shown === picture ? "The result" : "The picture as it was";
    if (shown === this.shown) return;
    this.#forget();
    this.shown = shown;
    this.picture.src = URL.createObjectURL(shown);
  }

  #forget() {
    if (this.picture.src) URL.revokeObjectURL(this.picture.src);
    this.picture.removeAttribute("src");
    this.shown = null;
  }
}
