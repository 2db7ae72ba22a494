// What is on the easel: a photo, what became of it, and all that goes with that.

import { byId, pause } from "./dom.js";
import { extension, stem } from "./intake.js";
import { drawn } from "./pixels.js";
import { Recipe } from "./recipe.js";
import { ResultBar } from "./result_bar.js";
import { Viewer } from "./viewer.js";

const part = (name) => byId(`photo-${name}`);

const SETTLED_MS = 500; // before what is composed here is written as a PNG
const MOST_CHARACTERS = 20_000; // of figures: more is for the downloaded file

export class Easel {
  /** `onPoint` is the Viewer's, `obtain` and `onFail` the ResultBar's; `onShow(picture)` hears of each result. */
  constructor({ onPoint, obtain, onFail, onShow }) {
    this.onShow = onShow;
    this.recipe = new Recipe(part("recipe"));
    this.result = new ResultBar(obtain, onFail);
    this.viewer = new Viewer(part("canvas"), part("curtain"), {
      onPoint,
      onZoom: (scale) => { part("zoom").textContent = `${Math.round(100 * scale)}%`; },
    });
    this.#listen();
  }

  /** A photo without a result; null before the first one. */
  clear(photo) {
    part("empty").hidden = Boolean(photo);
    for (const id of ["canvas", "tools"]) part(id).hidden = !photo;
    for (const id of ["problem", "figures", "recipe"]) part(id).hidden = true;
    part("facts").textContent = "";
    this.result.hide();
    this.preview(photo, null);
  }

  preview(before, after) { this.viewer.show(before, after); }

  /** The result of `current` (`{shot, request, painted}`): a picture, or a Blob that is none. */
  show(current, picture, headers, blob = null) {
    part("problem").hidden = true;
    this.preview(current.shot.before, picture);
    part("facts").textContent = factsOf(headers, picture);
    this.#showFigures(picture, blob);
    this.result.offer(Boolean(picture));
    if (picture) this.onShow(picture);
    const request = { ...current.request, files: [...current.request.files, ...current.painted] };
    this.recipe.show(request, current.shot.file.name, nameOf(current, blob?.type ?? "image/png"));
  }

  /** What can be dragged out and copied; `blob` is null for what was composed here. */
  async offer(current, picture, blob, signal) {
    if (!picture) return;
    if (!blob) await pause(SETTLED_MS);
    signal.throwIfAborted();
    const png = blob?.type === "image/png" ? blob : await drawn(picture).convertToBlob();
    signal.throwIfAborted();
    this.result.show(png, nameOf(current, "image/png"));
  }

  async #showFigures(picture, blob) {
    const figures = part("figures");
    figures.hidden = Boolean(picture);
    if (picture) return;
    figures.textContent = blob.type === "application/json"
      ? JSON.stringify(JSON.parse(await blob.text()), null, 2).slice(0, MOST_CHARACTERS)
      : "This result is no picture: download it.";
  }

  #listen() {
    const { viewer } = this;
    const zooms = { in: () => viewer.zoom(1.5), out: () => viewer.zoom(1 / 1.5), fit: () => viewer.fit(), pixels: () => viewer.zoomToPixels() };
    for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
    const show = (isBeforeOnly) => { viewer.isBeforeOnly = isBeforeOnly; viewer.draw(); };
    const compare = part("compare");
    for (const name of ["pointerdown", "keydown"]) compare.addEventListener(name, ({ key }) => { if (key !== "Tab") show(true); });
    for (const name of ["pointerup", "pointerleave", "keyup", "blur"]) compare.addEventListener(name, () => show(false));
  }
}

/** `astronaut-remove-background.png`. */
export function nameOf({ shot, request }, mediaType) {
  const format = new Map(request.fields).get("format");
  return `${stem(shot.file.name)}-${request.path.slice(1)}.${extension(format ? `image/${format}` : mediaType)}`;
}

/** Of the last time that the service worked for this. */
function factsOf(headers, picture) {
  const stages = [...(headers.get("Server-Timing") ?? "").matchAll(/dur=([\d.]+)/g)];
  const ms = stages.reduce((sum, [, duration]) => sum + Number(duration), 0);
  const model = headers.get("X-Model") === "none" ? "no new look" : headers.get("X-Model");
  return [model, `${Math.round(ms)} ms`, ...(picture ? [`${picture.width} × ${picture.height}`] : [])].join(" · ");
}
