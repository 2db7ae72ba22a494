// Taking the result away: saved, copied, dragged out, or with a right click on the picture itself.

import { byId, onClicks, save, sayOn } from "./dom.js";

export class ResultBar {
  /** `obtain()` gives the service's own `{blob, name}`. */
  constructor(obtain, onFail) {
    Object.assign(this, { obtain, onFail, shown: null });
    [this.download, this.copy, this.image, this.chip] = ["download", "copy", "image", "chip"].map((name) => byId(`photo-${name}`));
    this.back = byId("photo-return");
    onClicks("photo", {
      download: () => this.#obtained(this.download, save),
      return: () => this.#obtained(this.back, (blob) => this.onReturn(blob)),
      copy: () => this.#copy(),
    });
    this.chip.addEventListener("dragstart", (event) => this.#drag(event));
    const stage = this.image.parentElement;
    // A right click is the picture's, and not the canvas', which has a checkerboard in it.
    stage.addEventListener("pointerdown", (event) => this.image.classList.toggle("on-top", event.button === 2 && Boolean(this.shown)));
    stage.addEventListener("pointerleave", () => this.image.classList.remove("on-top"));
  }

  offer(isPicture) {
    this.download.hidden = false;
    this.copy.hidden = !isPicture;
    this.#forget();
    this.chip.hidden = !isPicture || !this.chip.src; // of the last one, faintly: what is beside it does not jump
  }

  show(blob, name) {
    this.#forget();
    this.shown = { blob, name, url: URL.createObjectURL(blob) };
    for (const image of [this.image, this.chip]) Object.assign(image, { src: this.shown.url, hidden: false });
    this.chip.classList.remove("stale");
    this.onShown?.(blob);
  }

  hide() {
    this.#forget();
    this.chip.removeAttribute("src");
    this.chip.hidden = this.download.hidden = this.copy.hidden = true;
  }

  returnsTo(onReturn) {
    this.onReturn = onReturn;
    this.back.hidden = !onReturn;
  }

  #forget() {
    if (this.shown) URL.revokeObjectURL(this.shown.url);
    this.shown = null;
    this.chip.classList.add("stale");
    this.image.hidden = true;
  }

  async #obtained(button, use) {
    const text = button.textContent;
    Object.assign(button, { disabled: true, textContent: "Preparing…" });
    try {
      const { blob, name } = await this.obtain();
      use(blob, name);
    } catch (error) {
      this.onFail(error);
    }
    Object.assign(button, { disabled: false, textContent: text });
  }

  /** What is still being made can be copied already. */
  async #copy() {
    const png = this.shown?.blob ?? new Promise((resolve) => { this.onShown = resolve; });
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
      sayOn(this.copy, "Copied");
    } catch {
      sayOn(this.copy, isSecureContext ? "Not allowed here" : "Needs https://");
    }
  }

  /** Under its own name, where the browser can do that. */
  #drag(event) {
    if (this.shown) event.dataTransfer.setData("DownloadURL", `image/png:${this.shown.name}:${this.shown.url}`);
  }
}
