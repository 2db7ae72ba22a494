// The Batch tab: the same done to many pictures, a few at a time, and what came of each.

import { byId, pause, save } from "./dom.js";
import { askFor } from "./service.js";
import { Item } from "./batch_item.js";
import { Preview } from "./batch_preview.js";
import { Choices } from "./choices.js";
import { picturesOf, takeDropsAnywhere } from "./folders.js";
import { stem, takeChosen, takePasted } from "./intake.js";
import { zip } from "./zip.js";

const AT_ONCE = 3;

/** Less urgent than what people wait for (RFC 9218). */
const HEADERS = { Priority: "u=5" };

const DEFAULT_RETRY_S = 2;

const part = (name) => byId(`batch-${name}`);

export class BatchTab {
  /** `onCorrect(file, request, onReturn)` hears of a picture that somebody wants to go on with by hand, and how it comes back. */
  constructor(catalogue, onCorrect) {
    this.items = [];
    this.choices = new Choices(part("choices"), catalogue, () => this.choices && this.#show());
    this.preview = new Preview(part("preview"), catalogue, {
      items: () => this.items,
      common: () => this.choices.request,
      onOwn: () => this.#show(),
      onMake: (item) => this.#makeAlone(item),
      onCorrect: (item) => onCorrect(item.file, this.#requestOf(item), (result) => { item.takeBack(result); this.#show(); }),
    });
    this.running = null;
    this.resumeAt = 0;
    this.#listen();
  }

  add(files) {
    for (const file of files) {
      const item = new Item(file, { onRemove: () => this.#remove(item), onOpen: () => this.preview.open(item) });
      this.items.push(item);
      part("list").append(item.element);
    }
    this.#show();
  }

  /** Works until nothing waits any more (of `only`, a Set, where it is given), or somebody stops it: with what is chosen
   *  now, whatever is chosen meanwhile. */
  async start(only = null) {
    if (this.running) return;
    const { request } = this.choices;
    this.running = { stop: new AbortController(), key: keyOf(request), only };
    this.#show();
    const { signal } = this.running.stop;
    this.running.ended = Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(request, signal)));
    await this.running.ended;
    this.running = null;
    for (const item of this.items) if (!item.isFinished) item.become("waiting", "Waiting");
    this.#show();
  }

  async #work(request, signal) {
    const { only } = this.running;
    for (;;) {
      const item = this.items.find((each) => each.state === "waiting" && (!only || only.has(each)));
      if (!item || signal.aborted) return;
      item.become("sent", "Working…");
      const wish = item.own ?? item.retried ?? request;
      item.use(wish, keyOf(wish));
      await this.#process(item, signal);
      this.#show();
    }
  }

  /** Until it is done or has failed: a service that is busy says when to come back, and that holds for all of us. */
  async #process(item, signal) {
    for (;;) {
      await this.#holdBack(item, signal);
      if (signal.aborted || item.isByHand) return; // it may come back from a hand meanwhile
      item.become("sent", "Working…");
      try {
        const result = await (await askFor(item.request, item.file, { signal, headers: HEADERS })).blob();
        if (!item.isByHand) item.finish(result);
        return;
      } catch (error) {
        if (error.name === "AbortError" || item.isByHand) return;
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

  /** In the order of the list. */
  #done = () => this.items.filter(({ state }) => state === "done");

  #remove(item) {
    this.items = this.items.filter((each) => each !== item);
    item.leave();
    this.#show();
  }

  #show() {
    const count = (state) => this.items.filter((item) => item.state === state).length;
    const [done, failed, total] = [count("done"), count("failed"), this.items.length];
    part("bar").hidden = total === 0;
    Object.assign(part("progress"), { max: Math.max(1, total), value: done + failed });
    part("summary").textContent = `${done} of ${total} done${failed ? `, ${failed} failed` : ""}`;
    part("start").hidden = Boolean(this.running) || count("waiting") === 0;
    part("stop").hidden = !this.running;
    part("clear").hidden = Boolean(this.running);
    part("retry").hidden = Boolean(this.running) || failed === 0;
    part("zip").hidden = Boolean(this.running) || done === 0;
    this.#showChanged();
  }

  /** Other choices make other results: nothing is thrown away or mixed before somebody says so. */
  #showChanged() {
    const key = keyOf(this.choices.request);
    for (const item of this.items) item.remarkOn(item.own ? keyOf(item.own) : key);
    this.preview.refresh();
    const earlier = this.items.filter(({ isEarlier }) => isEarlier).length;
    const isOtherRun = this.running && this.running.key !== key;
    part("changed").hidden = !isOtherRun && (Boolean(this.running) || earlier === 0);
    part("changed-text").textContent = isOtherRun
      ? "You chose something else meanwhile. This run goes on as it began."
      : `${earlier} ${earlier === 1 ? "result is" : "results are"} of earlier choices, and kept until you make them again.`;
    part("again").textContent = isOtherRun ? "Start over with it" : "Make them again";
  }

  /** With what is chosen now: whatever was made with something else, and whatever waits. */
  async #makeAgain() {
    this.running?.stop.abort();
    await this.running?.ended;
    await pause(0); // for the run to have told that it ended
    for (const item of this.items) if (item.isEarlier) item.wait();
    await this.start();
  }

  /** This one, and not the others that wait. */
  #makeAlone(item) {
    item.wait();
    this.running?.only?.add(item);
    this.start(new Set([item]));
    this.#show();
  }

  #requestOf = (item) => item.own ?? item.request ?? this.choices.request;

  /** As they were asked for before: another effect among the others would be found out too late. */
  #retry() {
    for (const item of this.items) if (item.state === "failed") item.wait({ asBefore: true });
    this.start();
  }

  #clear() {
    for (const item of this.items) item.leave();
    this.items = [];
    this.#show();
  }

  async #download() {
    const names = uniqueNames(this.#done().map((item) => item.resultName));
    save(await zip(this.#done().map((item, index) => ({ name: names[index], blob: item.result }))), "silhouette.zip");
  }

  #listen() {
    const add = (files) => this.add(files);
    const isShown = () => !byId("batch").hidden;
    takeDropsAnywhere(part("drop"), isShown, add);
    takeChosen(part("files"), add);
    takeChosen(part("folder"), (files) => this.add(picturesOf(files)));
    takePasted(isShown, add);
    part("start").addEventListener("click", () => this.start());
    part("stop").addEventListener("click", () => this.running?.stop.abort());
    part("retry").addEventListener("click", () => this.#retry());
    part("again").addEventListener("click", () => this.#makeAgain());
    part("clear").addEventListener("click", () => this.#clear());
    part("zip").addEventListener("click", () => this.#download());
  }
}

/** The same for requests that make the same of a picture. */
function keyOf({ path, fields, files }) {
  return JSON.stringify([path, fields, files.map(([name, file]) => [name, file.name, file.size, file.lastModified])]);
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
