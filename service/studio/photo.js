// The Photo tab: one picture, what becomes of it, and how to ask for the same from a program.

import { Turns, byId, countDown, onClicks, pause, save } from "./dom.js";
import { askFor } from "./service.js";
import { adviceCard } from "./advice.js";
import { Brush } from "./brush.js";
import { Choices } from "./choices.js";
import { FORM, compose, feathered } from "./composition.js";
import { Corrections } from "./corrections.js";
import { Easel, nameOf } from "./easel.js";
import { Filmstrip } from "./filmstrip.js";
import { shippedFile, takeFiles } from "./intake.js";
import { Legend } from "./legend.js";
import { Patience, SMALL_MODEL } from "./patience.js";
import { bitmapOf } from "./pixels.js";
import { Shot } from "./shot.js";
import { UndoButtons } from "./undo.js";

const part = (name) => byId(`photo-${name}`);

const QUIET_MS = 220; // before the service is asked: a slider moves on
const SETTLED_MS = 500; // before a picture that is nearly right is replaced by the service's own

export class PhotoTab {
  constructor(catalogue) {
    this.shot = null;
    this.turns = new Turns();
    this.patience = new Patience();
    this.choices = new Choices(part("choices"), catalogue, () => this.#change(), { homes: { format: part("format") } });
    this.easel = new Easel({
      onPoint: (x, y, event) => this.legend.point(x, y, event),
      obtain: () => this.#own(),
      onFail: (error) => this.#fail(error),
      onShow: (picture) => this.strip.show(this.entry, picture),
    });
    this.strip = new Filmstrip((entry) => this.#choose(entry), () => this.#leave());
    this.legend = new Legend(this.easel.viewer, (names) => this.#keep(names));
    this.brush = new Brush({
      onStroke: (stroke) => this.#paint(stroke),
      onUse: () => this.#takeUp(),
      onDraw: () => this.easel.viewer.draw(),
    });
    this.undo = new UndoButtons(() => this.shot?.undo, () => !byId("photo").hidden);
    this.#listen();
  }

  open(...files) {
    const [first] = files.map((file) => this.strip.add(file));
    return this.#choose(first);
  }

  /** A file with the choices of `request`; `onReturn(blob)` takes what becomes of it. */
  correct(file, request, onReturn) {
    const entry = this.strip.entries.find((each) => each.file === file) ?? this.strip.add(file);
    this.choices.use(request);
    return this.#choose(Object.assign(entry, { onReturn }));
  }

  #choose(entry) { return (this.coming = this.#bringOut(entry)); }

  async #bringOut(entry) {
    this.#leave();
    this.easel.result.returnsTo(entry.onReturn);
    this.entry = entry;
    this.strip.mark(entry);
    const signal = this.turns.next();
    try {
      const shot = entry.shot ?? (await Shot.open(entry.file, signal));
      await shot.wake();
      if (signal.aborted) return; // another one came meanwhile
      this.shot = entry.shot = shot;
    } catch (error) {
      if (!entry.shot && error.status !== 503 && error.status !== 0) this.strip.remove(entry);
      if (!signal.aborted) this.#fail(error);
      return;
    }
    const isKnown = (kept) => this.choices.model.classes.some(({ name }) => name === kept);
    this.choices.kept = this.shot.kept?.every(isKnown) ? this.shot.kept : null;
    this.strip.show(entry, this.shot.before);
    this.easel.clear(this.shot.before);
    this.brush.use(this.shot.before);
    this.undo.show();
    part("canvas").focus({ preventScroll: true }); // what was pressed is gone
    await this.#run(0);
  }

  /** Of many choices in one frame, the last one counts; what was on its way is of earlier ones. */
  #change() {
    if (!this.shot) return;
    part("stage").ariaBusy = "true"; // from here on, what is there is not what is chosen
    const signal = this.turns.next();
    this.coming = new Promise(requestAnimationFrame).then(() => signal.aborted || this.#run(QUIET_MS));
  }

  #run(quietMs) { return (this.coming = this.#renew(quietMs)); }

  /** At once where this page can compose it, and as the service sends it where it cannot. */
  async #renew(quietMs) {
    if (!this.shot) return;
    part("stage").ariaBusy = "true";
    const signal = this.turns.next();
    try {
      await this.#show({ shot: this.shot, request: this.choices.request, signal, quietMs });
    } catch (error) {
      if (signal.aborted) return;
      this.current = null;
      this.#fail(error);
      this.#readLabels(signal);
      if (error.status === 503) this.#comeBack(error.retryAfterS ?? 1, signal);
    } finally {
      if (!signal.aborted) this.#busy(null);
    }
  }

  async #show(task) {
    const { shot, request, signal } = task;
    this.#takeUp();
    if (this.legend.labels !== shot.labels.get(this.choices.model.name)) this.legend.show(null);
    const backdrop = await this.#decoded(request.files[0]?.[1]);
    const look = this.choices.has("keep") ? await this.#look(task) : null;
    signal.throwIfAborted();
    const composed = look && this.#composed(shot, request, look.picture, backdrop);
    this.current = { shot, request, look, answer: null, painted: look && shot.corrections ? shot.corrections.names : [] };
    this.brush.done(look?.picture);
    if (composed) this.easel.show(this.current, composed.picture, look.headers);
    this.#readLabels(signal);
    if (!composed?.isExact) await this.#settle(task, look, composed ? SETTLED_MS : task.quietMs);
    else await this.easel.offer(this.current, composed.picture, composed.picture === look.picture ? look.blob : null, signal);
  }

  #composed(shot, request, subject, backdrop = this.backdrop?.picture) {
    return compose(request, { photo: shot.before, subject, isOpaque: shot.isOpaque, standard: this.choices.standard, backdrop });
  }

  /** Until what is asked for comes, it is shown as far as it is known. */
  async #look(task) {
    const { shot, request: { fields }, signal } = task;
    if (shot.seen(fields)) return shot.look(fields, this.takesMatte, signal);
    this.#busy("Working…");
    this.#showRoughly(task);
    await pause(task.quietMs);
    signal.throwIfAborted();
    const isHere = new AbortController();
    this.#glance(task, AbortSignal.any([signal, isHere.signal]));
    try {
      return await this.patience.timed(fields, () => shot.look(fields, this.takesMatte, signal));
    } finally {
      isHere.abort();
    }
  }

  #showRoughly({ shot, request }) {
    const sigma = Number(new Map(request.fields).get("feather") ?? 0);
    const look = sigma ? shot.seen(request.fields, ["feather"]) : null;
    const composed = look && this.#composed(shot, request, feathered(look.picture, sigma));
    if (composed) this.easel.preview(shot.before, composed.picture);
  }

  /** A first impression by the small model. The better answer ends `signal`. */
  async #glance({ shot, request }, signal) {
    if (!this.patience.isShort(shot, request, this.choices)) return;
    try {
      const composed = this.#composed(shot, request, await shot.glance(SMALL_MODEL, signal));
      if (signal.aborted || !composed) return;
      this.easel.preview(shot.before, composed.picture);
      this.#busy(`A quick preview by ${SMALL_MODEL}. ${this.choices.model.name} is still at work…`);
    } catch {
      // What is wrong, the better answer says.
    }
  }

  /** What this page could not compose, or not exactly, is the service's own. */
  async #settle({ shot, request, signal }, look, waitMs) {
    this.#busy(waitMs === SETTLED_MS ? null : "Working…");
    await pause(waitMs);
    signal.throwIfAborted();
    const plain = look ? { ...request, fields: request.fields.filter(([name]) => !FORM.includes(name)) } : request;
    const answer = await this.#ask(shot, plain, look, signal);
    const picture = answer.blob.type.startsWith("image/") ? await bitmapOf(answer.blob) : null;
    signal.throwIfAborted();
    if (plain.fields.length === request.fields.length) this.current.answer = answer;
    this.easel.show(this.current, picture, answer.headers, answer.blob);
    await this.easel.offer(this.current, picture, answer.blob, signal);
  }

  async #ask(shot, request, look, signal) {
    const files = [...request.files, ...(look && this.takesMatte ? [look.matte] : [])];
    const response = await askFor({ ...request, files }, shot.file, { signal });
    return { blob: await response.blob(), headers: response.headers };
  }

  /** Of what is chosen, also where that is not on the stage yet. Throws AbortError where nothing comes of it. */
  async #own() {
    for (let awaited; part("stage").ariaBusy === "true" && awaited !== this.coming;) await (awaited = this.coming);
    const { current } = this;
    if (!current) throw new DOMException("There is no result", "AbortError");
    const { shot, request, look } = current;
    const isLook = look && request.path === "/remove-background" && shot.isAll(request.fields);
    current.answer ??= isLook ? look : await this.#ask(shot, request, look);
    return { blob: current.answer.blob, name: nameOf(current, current.answer.blob.type) };
  }

  async #decoded(file) {
    if (this.backdrop?.file !== file) this.backdrop = { file, picture: file ? await bitmapOf(file) : null };
    return this.backdrop?.picture ?? null;
  }

  /** A picture that cannot be read has no classes, and that was said already. */
  async #readLabels(signal) {
    const { shot, choices } = this;
    const look = choices.kept ? null : this.current?.look?.bare;
    try {
      const labels = await shot.labelsOf(choices.model, look, signal);
      if (!signal.aborted && labels !== this.legend.labels) this.legend.show(labels, choices.kept);
    } catch {
      if (!signal.aborted && part("problem").hidden) part("facts").textContent += " · its classes could not be read";
    }
  }

  #keep(names) {
    const before = this.choices.kept;
    const use = (kept) => { this.choices.keepClasses(kept); this.legend.show(this.legend.labels, kept); };
    this.shot.undo.did(() => use(before), () => use(names));
    this.choices.keepClasses(names);
    this.undo.show();
  }

  #paint(stroke) {
    const { shot } = this;
    const before = shot.corrections;
    const after = (before ?? new Corrections([])).with(stroke);
    const use = (corrections) => { shot.corrections = corrections; this.#run(0); };
    shot.undo.did(() => use(before), () => use(after));
    use(after);
    this.undo.show();
  }

  /** The brush lies on the photo while what is painted there has a say. */
  #takeUp() {
    const canPaint = this.takesMatte && this.choices.has("keep") && Boolean(this.shot?.before);
    part("brush").hidden = !canPaint;
    part("masks").hidden = !this.shot?.corrections;
    this.easel.viewer.take(canPaint && this.brush.isInHand ? this.brush : null);
  }

  #leave() {
    this.turns.next();
    this.shot?.rest(this.choices.kept);
    Object.assign(this, { shot: null, current: null });
    this.choices.kept = null;
    this.legend.show(null);
    this.easel.clear(null);
    this.undo.show();
    this.#busy(this.strip.entries.length ? "Working…" : null);
  }

  #busy(text) {
    part("stage").ariaBusy = String(Boolean(text));
    part("busy").hidden = !text;
    part("busy").lastElementChild.textContent = text;
  }

  #fail(error) {
    if (error.name === "AbortError") return;
    this.#busy(null);
    this.easel.clear(this.shot?.before ?? null);
    const { choices } = this;
    part("problem").replaceChildren(adviceCard(error, {
      again: () => (this.shot ? this.#run(0) : this.#choose(this.entry)),
      choose: () => part("file").click(),
      empty: () => choices.choose("allow_empty", "true"),
      reset: () => choices.reset(),
      model: () => choices.useStandardModel(),
    }));
    part("problem").hidden = false;
  }

  async #comeBack(seconds, signal) {
    const say = (left) => { part("facts").textContent = `Trying again in ${left} s`; };
    if (await countDown(seconds, () => signal.aborted, say)) this.#run(0);
  }

  get takesMatte() { return this.choices.operation.files.includes("matte"); }

  #listen() {
    takeFiles("photo", part("stage"), ["file", "again"].map(part), (files) => this.open(...files));
    onClicks("photo", {
      sheet: () => { part("sheet").ariaExpanded = String(!part("side").classList.toggle("closed")); },
      masks: async () => {
        for (const [, file] of await this.shot.corrections.files(this.shot.before)) save(file, file.name);
      },
    });
    for (const sample of document.querySelectorAll(".sample")) {
      sample.addEventListener("click", async () => this.open(await shippedFile(sample.firstElementChild.src)));
    }
  }
}
