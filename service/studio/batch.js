// The Batch tab: the same done to many pictures, a few at a time, and what came of each.

import { byId, onClicks, pause, save } from "./dom.js";
import { UNHURRIED, askFor } from "./service.js";
import { Item } from "./batch_item.js";
import { Preview } from "./batch_preview.js";
import { Choices } from "./choices.js";
import { stem, takeFiles } from "./intake.js";
import { zip } from "./zip.js";

const AT_ONCE = 3;
const DEFAULT_RETRY_S = 2;

const part = (name) => byId(`batch-${name}`);

export class BatchTab {
  /** `onCorrect(file, request, onReturn)` takes a picture to go on with by hand. */
  constructor(catalogue, onCorrect) {
    this.items = [];
    this.choices = new Choices(part("choices"), catalogue, () => this.choices && this.#show());
    this.preview = new Preview(catalogue, {
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

  /** Works until nothing waits any more (of `only`, a Set), with what is chosen now, whatever is chosen meanwhile. */
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

  /** A service that is busy says when to come back, and that holds for all of us. */
  async #process(item, signal) {
    for (;;) {
      await this.#holdBack(item, signal);
      if (signal.aborted || item.isByHand) return; // it may come back from a hand meanwhile
      item.become("sent", "Working…");
      try {
        const result = await (await askFor(item.request, item.file, { signal, headers: UNHURRIED })).blob();
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

  #remove(item) {
    this.items = this.items.filter((each) => each !== item);
    item.leave();
    this.#show();
  }

  #show() {
    const count = (state) => this.items.filter((item) => item.state === state).length;
    const [done, failed, total] = [count("done"), count("failed"), this.items.length];
    const isIdle = !this.running;
    const shown = { bar: total, start: isIdle && count("waiting"), stop: !isIdle, clear: isIdle, retry: isIdle && failed, zip: isIdle && done };
    for (const [name, isShown] of Object.entries(shown)) part(name).hidden = !isShown;
    Object.assign(part("progress"), { max: Math.max(1, total), value: done + failed });
    part("summary").textContent = `${done} of ${total} done${failed ? `, ${failed} failed` : ""}`;
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

  async #makeAgain() {
    this.running?.stop.abort();
    await this.running?.ended;
    await pause(0); // for the run to have told that it ended
    for (const item of this.items) if (item.isEarlier) item.wait();
    await this.start();
  }

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
    const done = this.items.filter(({ state }) => state === "done");
    const names = uniqueNames(done.map((item) => item.resultName));
    save(await zip(done.map((item, index) => ({ name: names[index], blob: item.result }))), "silhouette.zip");
  }

  #listen() {
    takeFiles("batch", part("drop"), [part("files"), part("folder")], (files) => this.add(files));
    onClicks("batch", {
      start: () => this.start(),
      stop: () => this.running?.stop.abort(),
      retry: () => this.#retry(),
      again: () => this.#makeAgain(),
      clear: () => this.#clear(),
      zip: () => this.#download(),
    });
  }
}

function keyOf({ path, fields, files }) {
  return JSON.stringify([path, fields, files.map(([name, file]) => [name, file.name, file.size, file.lastModified])]);
}

/** The second `photo.png` becomes `photo-2.png`. */
function uniqueNames(names) {
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let copy = 2; taken.has(free); copy += 1) free = `${stem(name)}-${copy}.${name.split(".").pop()}`;
    taken.add(free);
    return free;
  });
}
