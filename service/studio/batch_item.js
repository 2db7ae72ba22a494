// One picture of the Batch tab: waiting, sent, held (the service is busy), done or failed.

import { adviceLine } from "./advice.js";
import { copyOf } from "./dom.js";
import { extension, stem } from "./intake.js";

export class Item {
  constructor(file, { onRemove, onOpen }) {
    Object.assign(this, { file, own: null }, copyOf("batch-item")); // `own` is a request in the place of that of all
    this.name.textContent = this.name.title = file.name;
    this.opener.ariaLabel = `Look at ${file.name}`;
    this.remove.ariaLabel = `Remove ${file.name}`;
    this.opener.addEventListener("click", onOpen);
    this.remove.addEventListener("click", onRemove);
    this.thumb.onerror = () => this.thumb.removeAttribute("src");
    this.#showThumb(file);
    this.wait();
  }

  get isFinished() { return this.state === "done" || this.state === "failed"; }

  get isMade() { return this.state === "done" && !this.isEarlier; }

  get picture() { return this.result?.type.startsWith("image/") ? this.result : null; }

  get resultName() { return `${stem(this.file.name)}.${extension(this.result.type)}`; }

  /** For its turn, to be asked for with what is chosen then, or with what it was asked for before. */
  wait({ asBefore = false } = {}) {
    this.retried = asBefore ? this.request : null;
    this.isByHand = false;
    this.become("waiting", "Waiting");
  }

  use(request, key) { Object.assign(this, { request, key }); }

  become(state, text) {
    this.state = this.element.dataset.state = state;
    this.text.textContent = text;
    this.remove.hidden = state !== "waiting" && state !== "failed";
    this.link.hidden = state !== "done";
  }

  finish(result) {
    this.result = result;
    this.become("done", `Done, ${Math.ceil(result.size / 1000)} kB`);
    if (this.picture) this.#showThumb(result);
    if (this.link.href) URL.revokeObjectURL(this.link.href);
    Object.assign(this.link, { href: URL.createObjectURL(result), download: this.resultName });
  }

  fail(error) { this.become("failed", adviceLine(error)); }

  /** A result that somebody made of it on the Photo tab: no other choices make that old. */
  takeBack(result) {
    this.finish(result);
    this.isByHand = true;
  }

  /** `key` is that of the request which it would be asked for with now. */
  remarkOn(key) {
    this.isEarlier = this.isFinished && !this.isByHand && this.key !== key;
    const remarks = [this.isByHand && "Corrected by hand", this.isEarlier && "Made with earlier choices", this.own && "Has choices of its own"];
    this.remark.textContent = remarks.filter(Boolean).join(" · ");
    this.remark.hidden = !this.remark.textContent;
    this.remark.classList.toggle("earlier", this.isEarlier);
  }

  leave() {
    this.element.remove();
    for (const url of [this.thumb.src, this.link.href]) if (url) URL.revokeObjectURL(url);
  }

  #showThumb(blob) {
    if (this.thumb.src) URL.revokeObjectURL(this.thumb.src);
    this.thumb.src = URL.createObjectURL(blob);
  }
}
