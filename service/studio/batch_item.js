// One picture of the Batch tab: waiting, sent, held (the service is busy), done or failed.

import { make } from "./dom.js";
import { Problem } from "./service.js";
import { extension, stem } from "./intake.js";

export class Item {
  constructor(file, { onRemove, onOpen }) {
    this.file = file;
    this.thumb = make("img", { class: "thumb", alt: "" });
    this.opener = make("button", { class: "opener", type: "button", "aria-label": `Look at ${file.name}`, onclick: onOpen }, this.thumb);
    this.text = make("p", { class: "state", role: "status" });
    this.remark = make("p", { class: "state remark", hidden: true });
    this.end = make("div");
    this.remove = make("button", { class: "button plain", type: "button", text: "Remove", "aria-label": `Remove ${file.name}`, onclick: onRemove });
    this.element = make("li", { class: "batch-item" },
      this.opener, make("div", {}, make("p", { class: "name", text: file.name, title: file.name }), this.text, this.remark), this.end);
    this.own = null; // a request of its own, in the place of that of all
    this.#showThumb(file);
    this.wait();
  }

  get isFinished() { return this.state === "done" || this.state === "failed"; }

  /** It is done, as it is wanted now. */
  get isMade() { return this.state === "done" && !this.isEarlier; }

  /** The result, where it can be looked at. */
  get picture() { return this.result?.type.startsWith("image/") ? this.result : null; }

  get resultName() { return `${stem(this.file.name)}.${extension(this.result.type)}`; }

  /** To be asked for with what is chosen when its turn comes, or with what it was asked for before. */
  wait({ asBefore = false } = {}) {
    this.retried = asBefore ? this.request : null;
    this.isByHand = false;
    this.become("waiting", "Waiting");
  }

  /** What it is asked for with; `key` tells requests apart. */
  use(request, key) { Object.assign(this, { request, key }); }

  become(state, text) {
    this.state = state;
    this.element.dataset.state = state;
    this.text.textContent = text;
    this.end.replaceChildren(...(state === "waiting" || state === "failed" ? [this.remove] : []));
  }

  finish(result) {
    this.result = result;
    this.become("done", `Done, ${Math.ceil(result.size / 1000)} kB`);
    if (this.picture) this.#showThumb(result);
    if (this.href) URL.revokeObjectURL(this.href);
    this.href = URL.createObjectURL(result);
    this.end.replaceChildren(make("a", { class: "button plain", href: this.href, download: this.resultName, text: "Save" }));
  }

  fail(error) {
    const problem = error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error) });
    this.become("failed", problem.title === problem.detail ? problem.title : `${problem.title}: ${problem.detail}`);
  }

  /** A result that somebody made of it on the Photo tab: no other choices make that old. */
  takeBack(result) {
    this.finish(result);
    this.isByHand = true;
  }

  /** Says what sets it apart; `key` is that of the request which it would be asked for with now. */
  remarkOn(key) {
    this.isEarlier = this.isFinished && !this.isByHand && this.key !== key;
    const remarks = [this.isByHand && "Corrected by hand", this.isEarlier && "Made with earlier choices", this.own && "Has choices of its own"];
    this.remark.textContent = remarks.filter(Boolean).join(" · ");
    this.remark.hidden = !this.remark.textContent;
    this.remark.classList.toggle("earlier", this.isEarlier);
  }

  /** Off the list, and out of memory. */
  leave() {
    this.element.remove();
    for (const url of [this.thumb.src, this.href]) if (url) URL.revokeObjectURL(url);
  }

  #showThumb(blob) {
    if (this.thumb.src) URL.revokeObjectURL(this.thumb.src);
    this.thumb.src = URL.createObjectURL(blob);
    this.thumb.onerror = () => this.thumb.removeAttribute("src");
  }
}
