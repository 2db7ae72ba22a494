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
    this.earlier = make("p", { class: "state earlier", text: "Made with earlier choices", hidden: true });
    this.end = make("div");
    this.remove = make("button", { class: "button plain", type: "button", text: "Remove", "aria-label": `Remove ${file.name}`, onclick: onRemove });
    this.element = make("li", { class: "batch-item" },
      this.opener, make("div", {}, make("p", { class: "name", text: file.name, title: file.name }), this.text, this.earlier), this.end);
    this.#picture(file);
    this.wait();
  }

  get isFinished() { return this.state === "done" || this.state === "failed"; }

  get resultName() { return `${stem(this.file.name)}.${extension(this.result.type)}`; }

  /** To be asked for with what is chosen when its turn comes, or with what it was asked for before. */
  wait({ asBefore = false } = {}) {
    this.retried = asBefore ? this.request : null;
    this.become("waiting", "Waiting");
  }

  /** What it is asked for with; `key` tells requests apart. */
  use(request, key) { Object.assign(this, { request, key }); }

  become(state, text) {
    this.state = state;
    this.element.dataset.state = state;
    this.text.textContent = text;
    this.opener.disabled = state !== "done" || !this.result.type.startsWith("image/");
    this.end.replaceChildren(...(state === "waiting" || state === "failed" ? [this.remove] : []));
  }

  finish(result) {
    this.result = result;
    this.become("done", `Done, ${Math.ceil(result.size / 1000)} kB`);
    if (result.type.startsWith("image/")) this.#picture(result);
    if (this.href) URL.revokeObjectURL(this.href);
    this.href = URL.createObjectURL(result);
    this.end.replaceChildren(make("a", { class: "button plain", href: this.href, download: this.resultName, text: "Save" }));
  }

  fail(error) {
    const problem = error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error) });
    this.become("failed", problem.title === problem.detail ? problem.title : `${problem.title}: ${problem.detail}`);
  }

  markEarlier(isEarlier) {
    this.isEarlier = isEarlier;
    this.earlier.hidden = !isEarlier;
  }

  /** Off the list, and out of memory. */
  leave() {
    this.element.remove();
    for (const url of [this.thumb.src, this.href]) if (url) URL.revokeObjectURL(url);
  }

  #picture(blob) {
    if (this.thumb.src) URL.revokeObjectURL(this.thumb.src);
    this.thumb.src = URL.createObjectURL(blob);
    this.thumb.onerror = () => this.thumb.removeAttribute("src");
  }
}
