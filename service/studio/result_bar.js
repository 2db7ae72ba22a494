// Taking the result away: saved, copied, dragged out, or with a right click on the picture itself.

import { byId, make, save } from "./dom.js";

export class ResultBar {
  /** `obtain()` gives the service's own `{blob, name}`; `onFail(error)` hears why it could not. */
  constructor(obtain, onFail) {
    Object.assign(this, { obtain, onFail, shown: null });
    this.download = byId("photo-download");
    this.copy = byId("photo-copy");
    this.image = byId("photo-image");
    this.chip = byId("photo-chip");
    this.back = byId("photo-return");
    this.download.addEventListener("click", () => this.#obtained(this.download, save));
    this.copy.addEventListener("click", () => this.#copy());
    this.back.addEventListener("click", () => this.#obtained(this.back, (blob) => this.onReturn(blob)));
    this.chip.addEventListener("dragstart", (event) => this.#drag(event));
    const stage = this.image.parentElement;
    // A right click is the picture's, and not the canvas', which has a checkerboard in it.
    stage.addEventListener("pointerdown", (event) => this.image.classList.toggle("on-top", event.button === 2 && Boolean(this.shown)));
    stage.addEventListener("pointerleave", () => this.image.classList.remove("on-top"));
  }

  /** A result can be had; `isPicture` says whether it can be looked at. */
  offer(isPicture) {
    this.download.hidden = false;
    this.#showBack();
    this.copy.hidden = !isPicture;
    this.#forget();
    this.chip.hidden = !isPicture || !this.chip.src; // of the last one, faintly: what is beside it does not jump
  }

  /** The picture on the stage, as a PNG, and how it is called. */
  show(blob, name) {
    this.#forget();
    this.shown = { blob, name, url: URL.createObjectURL(blob) };
    for (const image of [this.image, this.chip]) image.src = this.shown.url;
    this.onShown?.(blob);
    this.chip.classList.remove("stale");
    this.chip.hidden = this.image.hidden = false;
  }

  hide() {
    this.#forget();
    this.chip.removeAttribute("src");
    this.chip.hidden = true;
    this.download.hidden = this.copy.hidden = true;
    this.#showBack();
  }

  /** The picture on the stage; what is still being made can be copied already. */
  whenShown() {
    return this.shown?.blob ?? new Promise((resolve) => { this.onShown = resolve; });
  }

  #forget() {
    if (this.shown) URL.revokeObjectURL(this.shown.url);
    this.shown = null;
    this.chip.classList.add("stale");
    this.image.hidden = true;
  }

  /** Somebody wants the result back, where `onReturn(blob)` is told. */
  returnsTo(onReturn) {
    this.onReturn = onReturn;
    this.#showBack();
  }

  #showBack() { this.back.hidden = this.download.hidden || !this.onReturn; }

  /** Hands the service's own result to `use(blob, name)`. */
  async #obtained(button, use) {
    const text = button.textContent;
    button.disabled = true;
    button.textContent = "Preparing…";
    try {
      const { blob, name } = await this.obtain();
      use(blob, name);
    } catch (error) {
      this.onFail(error);
    }
    button.disabled = false;
    button.textContent = text;
  }

  async #copy() {
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": this.whenShown() })]);
      this.#say("Copied");
    } catch {
      this.#say(isSecureContext ? "Not allowed here" : "Needs https://");
    }
  }

  #say(text) {
    this.copy.textContent = text;
    setTimeout(() => { this.copy.textContent = "Copy"; }, 2000);
  }

  /** Under its own name, where the browser can do that. */
  #drag(event) {
    if (this.shown) event.dataTransfer.setData("DownloadURL", `image/png:${this.shown.name}:${this.shown.url}`);
  }
}
