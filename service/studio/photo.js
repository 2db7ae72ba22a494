// The Photo tab: one picture, what becomes of it, and how to ask for the same from a program.

import { byId, pause, save } from "./dom.js";
import { askFor } from "./service.js";
import { adviceCard } from "./advice.js";
import { Brush } from "./brush.js";
import { Choices } from "./choices.js";
import { Classes } from "./classes.js";
import { Corrections } from "./corrections.js";
import { compose, feathered } from "./composition.js";
import { Easel, nameOf } from "./easel.js";
import { Filmstrip } from "./filmstrip.js";
import { icon } from "./icons.js";
import { takeChosen, takeDrops, takePasted } from "./intake.js";
import { bitmapOf } from "./pixels.js";
import { showSamples } from "./samples.js";
import { Shot } from "./shot.js";
import { takeUndoKeys } from "./undo.js";

const QUIET_MS = 220; // before the service is asked: a slider moves on
const SETTLED_MS = 500; // before a picture that is nearly right is replaced by the service's own
const FORM = ["format", "quality", "compression"];

export class PhotoTab {
  constructor(catalogue) {
    this.shot = null;
    this.sequence = new AbortController();
    this.choices = new Choices(byId("photo-choices"), catalogue, () => this.#change(), { homes: { format: byId("photo-format") } });
    this.easel = new Easel({
      onPoint: (x, y, event) => this.classes.point(x, y, event),
      obtain: () => this.#own(),
      onFail: (error) => this.#fail(error),
      onShow: (picture) => this.strip.show(this.entry, picture),
    });
    this.strip = new Filmstrip((entry) => this.#choose(entry), () => this.#leave());
    this.classes = new Classes(this.easel.viewer, (names) => this.#keep(names));
    this.brush = new Brush({
      onStroke: (stroke) => this.#paint(stroke),
      onUse: () => this.#takeUp(),
      onDraw: () => this.easel.viewer.draw(),
    });
    this.#listen();
  }

  /** Takes files, whatever they are, and shows the first. */
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

  async #choose(entry) {
    this.#leave();
    this.easel.result.returnsTo(entry.onReturn);
    this.entry = entry;
    this.strip.mark(entry);
    const signal = this.#begin();
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
    this.#showUndo();
    byId("photo-canvas").focus({ preventScroll: true }); // what was pressed is gone
    await this.#run(0);
  }

  // --- what is shown

  #change() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#run(QUIET_MS));
  }

  /** What is chosen now: at once where this page can compose it, and as the service sends it where it cannot. */
  async #run(quietMs) {
    if (!this.shot) return;
    const signal = this.#begin();
    try {
      await this.#show({ shot: this.shot, request: this.choices.request, signal, quietMs });
    } catch (error) {
      if (signal.aborted) return;
      this.current = null;
      this.#fail(error);
      this.#readLabels(signal);
      if (error.status === 503) this.#comeBack(error.retryAfterS ?? 1, signal);
    } finally {
      if (!signal.aborted) byId("photo-busy").hidden = true;
    }
  }

  async #show(task) {
    const { shot, request, signal } = task;
    this.#takeUp();
    if (this.classes.labels !== shot.labels.get(this.choices.model.name)) this.classes.show(null);
    const isEffect = this.choices.has("keep");
    const look = isEffect ? await this.#look(task) : null;
    const backdrop = await this.#decoded(request.files[0]?.[1]);
    signal.throwIfAborted();
    const composed = look && compose(request, shot, look, { standard: this.choices.standard, backdrop });
    this.current = { shot, request, look, answer: null, painted: look && shot.corrections ? shot.corrections.names : [] };
    this.brush.done(look?.picture);
    if (composed) this.easel.show(this.current, composed.picture, look.headers);
    this.#readLabels(signal);
    if (!composed?.isExact) await this.#settle(task, look, composed ? SETTLED_MS : task.quietMs);
    else await this.easel.offer(this.current, composed.picture, composed.picture === look.picture ? look.blob : null, signal);
  }

  /** The network looks once; until what is asked for comes, its last look is shown as far as that is known. */
  async #look({ shot, request, signal, quietMs }) {
    const { fields } = request;
    if (!shot.seen(fields)) {
      this.#showRoughly(shot, request);
      byId("photo-busy").hidden = false;
      await pause(quietMs);
      signal.throwIfAborted();
    }
    return shot.look(fields, this.takesMatte, signal);
  }

  #showRoughly(shot, request) {
    const sigma = Number(new Map(request.fields).get("feather") ?? 0);
    const look = sigma ? shot.seen(request.fields, ["feather"]) : null;
    const composed = look && compose(request, shot, feathered(look, sigma), { standard: this.choices.standard, backdrop: this.backdrop?.picture });
    if (composed) this.easel.show({ shot, request, painted: [] }, composed.picture, look.headers);
  }

  /** The service's own, in the place of what this page could not compose, or not exactly. */
  async #settle({ shot, request, signal }, look, waitMs) {
    byId("photo-busy").hidden = Boolean(waitMs === SETTLED_MS);
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

  /** The file to keep, as the service makes it. */
  async #own() {
    const { current } = this;
    const { shot, request, look } = current;
    const isLook = look && request.path === "/remove-background" && shot.isAll(request.fields);
    current.answer ??= isLook ? look : await this.#ask(shot, request, look);
    return { blob: current.answer.blob, name: nameOf(current, current.answer.blob.type) };
  }

  async #decoded(file) {
    if (file && this.backdrop?.file !== file) this.backdrop = { file, picture: await bitmapOf(file) };
    return file ? this.backdrop.picture : null;
  }

  // --- classes

  /** Once for each picture and model. A picture that cannot be read has no classes, and that was said already. */
  async #readLabels(signal) {
    const { shot, choices } = this;
    const look = choices.kept ? null : this.current?.look?.bare;
    try {
      const labels = await shot.labelsOf(choices.model, look, signal);
      if (!signal.aborted && labels !== this.classes.labels) this.classes.show(labels, choices.kept);
    } catch (error) {
      if (!signal.aborted && byId("photo-problem").hidden) byId("photo-facts").textContent += " · its classes could not be read";
    }
  }

  #keep(names) {
    const before = this.choices.kept;
    const use = (kept) => { this.choices.keepClasses(kept); this.classes.show(this.classes.labels, kept); };
    this.shot.undo.did(() => use(before), () => use(names));
    this.choices.keepClasses(names);
    this.#showUndo();
  }

  #paint(stroke) {
    const { shot } = this;
    const before = shot.corrections;
    const after = (before ?? new Corrections([])).with(stroke);
    const use = (corrections) => { shot.corrections = corrections; this.#run(0); };
    shot.undo.did(() => use(before), () => use(after));
    use(after);
    this.#showUndo();
  }

  /** The brush lies on the photo while it is in hand, and while what is painted there has a say. */
  #takeUp() {
    const { viewer } = this.easel;
    const canPaint = this.takesMatte && this.choices.has("keep") && Boolean(this.shot?.before);
    byId("photo-brush").hidden = !canPaint;
    byId("photo-masks").hidden = !this.shot?.corrections;
    viewer.take(canPaint && this.brush.isInHand ? this.brush : null);
    this.easel.showCorners();
  }

  async #saveMasks() {
    for (const [, file] of await this.shot.corrections.files(this.shot.before)) save(file, file.name);
  }

  #step(way) {
    this.shot?.undo[way]();
    this.#showUndo();
  }

  #showUndo() {
    byId("photo-undo").disabled = !this.shot?.undo.past.length;
    byId("photo-redo").disabled = !this.shot?.undo.future.length;
  }

  // --- coming and going

  #begin() {
    this.sequence.abort();
    this.sequence = new AbortController();
    return this.sequence.signal;
  }

  /** Nothing of the last photo stays. */
  #leave() {
    this.#begin();
    this.shot?.rest(this.choices.kept);
    Object.assign(this, { shot: null, current: null });
    this.choices.kept = null;
    this.classes.show(null);
    this.easel.clear(null);
    this.#showUndo();
    byId("photo-busy").hidden = !this.strip.entries.length;
  }

  #fail(error) {
    if (error.name === "AbortError") return;
    byId("photo-busy").hidden = true;
    this.easel.clear(this.shot?.before ?? null);
    const { choices } = this;
    byId("photo-problem").replaceChildren(adviceCard(error, {
      again: () => (this.shot ? this.#run(0) : this.#choose(this.entry)),
      choose: () => byId("photo-file").click(),
      empty: () => choices.choose("allow_empty", "true"),
      reset: () => choices.reset(),
      model: () => choices.useStandardModel(),
    }));
    byId("photo-problem").hidden = false;
  }

  async #comeBack(seconds, signal) {
    for (let left = seconds; left > 0; left -= 1) {
      byId("photo-facts").textContent = `Trying again in ${left} s`;
      await pause(1000);
      if (signal.aborted) return;
    }
    this.#run(0);
  }

  get takesMatte() { return this.choices.operation.files.includes("matte"); }

  #listen() {
    const open = (files) => this.open(...files);
    for (const id of ["photo-file", "photo-again"]) takeChosen(byId(id), open);
    takeDrops(byId("photo-stage"), open);
    takePasted(() => !byId("photo").hidden, open);
    byId("photo-sheet").addEventListener("click", () => {
      byId("photo-sheet").ariaExpanded = String(!byId("photo-side").classList.toggle("closed"));
    });
    byId("photo-masks").addEventListener("click", () => this.#saveMasks());
    showSamples((file) => this.open(file));
    for (const way of ["undo", "redo"]) {
      byId(`photo-${way}`).append(icon(way));
      byId(`photo-${way}`).addEventListener("click", () => this.#step(way));
    }
    takeUndoKeys(() => !byId("photo").hidden, () => this.#step("undo"), () => this.#step("redo"));
  }
}
