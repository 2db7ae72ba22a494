// A result of the Batch tab, large, with the picture that it was made of and the ones beside it.

import { make } from "./dom.js";

export class Preview {
  /** Fills `dialog`. `onCorrect` hears of the item that somebody wants to go on with by hand. */
  constructor(dialog, onCorrect) {
    this.dialog = dialog;
    this.name = make("h2", {});
    this.picture = make("img", { class: "preview-picture", alt: "" });
    this.before = make("button", { class: "button", type: "button", text: "Before", "aria-pressed": "false", onclick: () => this.#show(!this.isBefore) });
    const step = (label, by) => make("button", { class: "button plain", type: "button", text: label, onclick: () => this.#step(by) });
    const correct = make("button", { class: "button", type: "button", text: "Correct it", title: "Opens it in Photo, with a brush", onclick: () => { dialog.close(); onCorrect(this.item); } });
    const close = make("button", { class: "button main", type: "button", text: "Close", onclick: () => dialog.close() });
    dialog.replaceChildren(this.name, this.picture,
      make("div", { class: "preview-bar" }, step("Previous", -1), step("Next", 1), this.before, make("div", { class: "ends" }, correct, close)));
    dialog.addEventListener("close", () => this.#forget());
    dialog.addEventListener("keydown", ({ key }) => this.#step({ ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0));
  }

  /** Shows `item`; `others()` are all that can be gone to, in their order. */
  open(item, others) {
    this.others = others;
    this.item = item;
    this.#show(false);
    this.dialog.showModal();
  }

  #step(by) {
    const items = this.others().filter(({ result }) => result.type.startsWith("image/"));
    if (!by || !items.length) return;
    this.item = items.at((items.indexOf(this.item) + by) % items.length);
    this.#show(this.isBefore);
  }

  #show(isBefore) {
    this.#forget();
    this.isBefore = isBefore;
    this.before.setAttribute("aria-pressed", String(isBefore));
    this.name.textContent = this.item.file.name;
    this.picture.src = URL.createObjectURL(isBefore ? this.item.file : this.item.result);
    this.picture.alt = isBefore ? "The picture as it was" : "The result";
  }

  #forget() {
    if (this.picture.src) URL.revokeObjectURL(this.picture.src);
    this.picture.removeAttribute("src");
  }
}
