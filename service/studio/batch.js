// The Batch tab: the same done to many pictures, a few at a time, and what came of each.

import { byId, make, pause, save } from "./dom.js";
import { Problem, askFor } from "./service.js";
import { Choices } from "./choices.js";
import { extension, stem, takeChosen, takeDrops, takePasted } from "./intake.js";
import { zip } from "./zip.js";

const AT_ONCE = 3;

/** Less urgent than what people wait for (RFC 9218). */
const HEADERS = { Priority: "u=5" };

const DEFAULT_RETRY_S = 2;

export class BatchTab {
  constructor(catalogue) {
    this.items = [];
    this.choices = new Choices(byId("batch-choices"), catalogue, () => this.#stale());
    this.running = null;
    this.resumeAt = 0;
    this.#listen();
  }

  add(files) {
    for (const file of files) {
      const item = new Item(file, () => this.#remove(item));
      this.items.push(item);
      byId("batch-list").append(item.element);
    }
    this.#show();
  }

  /** Works until nothing waits any more, or somebody stops it. */
  async start() {
    if (this.running) return;
    this.running = new AbortController();
    this.#show();
    const { signal } = this.running;
    const { request } = this.choices;
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(request, signal)));
    this.running = null;
    for (const item of this.items) if (!item.isFinished) item.become("waiting", "Waiting");
    this.#show();
  }

  async #work(request, signal) {
    for (;;) {
      const item = this.items.find(({ state }) => state === "waiting");
      if (!item || signal.aborted) return;
      item.become("sent", "Working…");
      await this.#process(item, request, signal);
      this.#show();
    }
  }

  /** Until it is done or has failed: a service that is busy says when to come back, and that holds for all of us. */
  async #process(item, request, signal) {
    for (;;) {
      await this.#holdBack(item, signal);
      if (signal.aborted) return;
      item.become("sent", "Working…");
      try {
        const response = await askFor(request, item.file, { signal, headers: HEADERS });
        item.finish(await response.blob());
        return;
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.status !== 503) { item.fail(error); return; }
        this.resumeAt = Date.now() + 1000 * (error.retryAfterS ?? DEFAULT_RETRY_S);
      }
    }
  }

  async #holdBack(item, signal) {
    for (let left = this.resumeAt - Date.now(); left > 0 && !signal.aborted; left = this.resumeAt - Date.now()) {
      item.become("held", `The service is busy: again in ${Math.ceil(left / 1000)} s`);
      await pause(Math.min(left, 1000));
    }
  }

  /** Other choices make other results. */
  #stale() {
    if (this.running) return;
    for (const item of this.items) item.become("waiting", "Waiting");
    this.#show();
  }

  #remove(item) {
    this.items = this.items.filter((each) => each !== item);
    item.element.remove();
    this.#show();
  }

  #show() {
    const count = (state) => this.items.filter((item) => item.state === state).length;
    const [done, failed, total] = [count("done"), count("failed"), this.items.length];
    byId("batch-bar").hidden = total === 0;
    Object.assign(byId("batch-progress"), { max: Math.max(1, total), value: done + failed });
    byId("batch-summary").textContent = `${done} of ${total} done${failed ? `, ${failed} failed` : ""}`;
    byId("batch-start").hidden = Boolean(this.running) || count("waiting") === 0;
    byId("batch-stop").hidden = !this.running;
    byId("batch-clear").hidden = Boolean(this.running);
    byId("batch-retry").hidden = Boolean(this.running) || failed === 0;
    byId("batch-zip").hidden = Boolean(this.running) || done === 0;
  }

  #retry() {
    for (const item of this.items) if (item.state === "failed") item.become("waiting", "Waiting");
    this.start();
  }

  #clear() {
    for (const item of this.items) item.element.remove();
    this.items = [];
    this.#show();
  }

  async #download() {
    const done = this.items.filter(({ state }) => state === "done");
    const names = uniqueNames(done.map((item) => item.resultName));
    save(await zip(done.map((item, index) => ({ name: names[index], blob: item.result }))), "silhouette.zip");
  }

  #listen() {
    const add = (files) => this.add(files);
    takeDrops(byId("batch-drop"), add);
    takeChosen(byId("batch-files"), add);
    takePasted(() => !byId("batch").hidden, add);
    byId("batch-start").addEventListener("click", () => this.start());
    byId("batch-stop").addEventListener("click", () => this.running?.abort());
    byId("batch-retry").addEventListener("click", () => this.#retry());
    byId("batch-clear").addEventListener("click", () => this.#clear());
    byId("batch-zip").addEventListener("click", () => this.#download());
  }
}

/** One picture: waiting, sent, held (the service is busy), done or failed. */
class Item {
  constructor(file, onRemove) {
    this.file = file;
    this.thumb = make("img", { class: "thumb", alt: "" });
    this.text = make("p", { class: "state", role: "status" });
    this.end = make("div");
    this.remove = make("button", { class: "button plain", type: "button", text: "Remove", "aria-label": `Remove ${file.name}`, onclick: onRemove });
    this.element = make("li", { class: "batch-item" },
      this.thumb, make("div", {}, make("p", { class: "name", text: file.name, title: file.name }), this.text), this.end);
    this.#picture(file);
    this.become("waiting", "Waiting");
  }

  get isFinished() { return this.state === "done" || this.state === "failed"; }

  get resultName() { return `${stem(this.file.name)}.${extension(this.result.type)}`; }

  become(state, text) {
    this.state = state;
    this.element.dataset.state = state;
    this.text.textContent = text;
    this.end.replaceChildren(...(state === "waiting" || state === "failed" ? [this.remove] : []));
  }

  finish(result) {
    this.result = result;
    this.become("done", `Done, ${Math.ceil(result.size / 1000)} kB`);
    if (result.type.startsWith("image/")) this.#picture(result);
    const save = make("a", { class: "button plain", href: URL.createObjectURL(result), download: this.resultName, text: "Save" });
    this.end.replaceChildren(save);
  }

  fail(error) {
    const problem = error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error) });
    this.become("failed", problem.title === problem.detail ? problem.title : `${problem.title}: ${problem.detail}`);
  }

  #picture(blob) {
    if (this.thumb.src) URL.revokeObjectURL(this.thumb.src);
    this.thumb.src = URL.createObjectURL(blob);
    this.thumb.onerror = () => this.thumb.removeAttribute("src");
  }
}

/** The second `photo.png` becomes `photo-2.png`. */
export function uniqueNames(names) {
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let copy = 2; taken.has(free); copy += 1) free = `${stem(name)}-${copy}.${name.split(".").pop()}`;
    taken.add(free);
    return free;
  });
}
