// The Photo tab: one picture, what the service makes of it, and how to ask for the same from a program.

import { afterQuiet, byId, make, pause, problemCard } from "./dom.js";
import { Problem, askFor } from "./service.js";
import { Choices } from "./choices.js";
import { extension, stem, takeChosen, takeDrops, takePasted } from "./intake.js";
import { LabelMap } from "./label_map.js";
import { Legend } from "./legend.js";
import { Recipe } from "./recipe.js";
import { Viewer } from "./viewer.js";

const QUIET_MS = 220;
const MOST_CHARACTERS = 20_000; // of figures: more is for the downloaded file
const SAMPLES = { "astronaut.webp": "An astronaut", "cat.webp": "A cat" };

export class PhotoTab {
  constructor(catalogue) {
    this.photo = null;
    this.sequence = new AbortController();
    this.choices = new Choices(byId("photo-choices"), catalogue, afterQuiet(QUIET_MS, () => this.#run()));
    this.recipe = new Recipe(byId("photo-recipe"));
    this.legend = new Legend(byId("photo-legend"), byId("photo-classes"), {
      onHover: (entry) => this.#light(entry),
      onKeep: (names) => this.choices.keepClasses(names),
    });
    this.viewer = new Viewer(byId("photo-canvas"), byId("photo-curtain"), {
      onPoint: (x, y, event) => this.#point(x, y, event),
      onPick: (x, y) => this.#pick(x, y),
      onZoom: (scale) => { byId("photo-zoom").textContent = `${Math.round(100 * scale)}%`; },
    });
    this.#listen();
  }

  /** Takes a file, whatever it is: the service says whether it can be read. */
  async open(file) {
    this.sequence.abort();
    this.photo = file;
    this.labelledModel = null;
    this.choices.kept = null;
    this.#showLabels(null);
    byId("photo-empty").hidden = true;
    byId("photo-canvas").hidden = false;
    byId("photo-tools").hidden = false;
    this.#hideResult();
    this.before = await bitmapOf(file);
    if (this.photo !== file) return; // another one came meanwhile
    this.viewer.show(this.before, null);
    this.#showCorners();
    await this.#run();
  }

  async #run() {
    if (!this.photo) return;
    this.sequence.abort();
    this.sequence = new AbortController();
    const { signal } = this.sequence;
    byId("photo-busy").hidden = false;
    try {
      await this.#process(signal).catch((error) => this.#fail(error, signal));
      await this.#readLabels(signal).catch((error) => this.#failLabels(error));
    } finally {
      if (!signal.aborted) byId("photo-busy").hidden = true;
    }
  }

  async #process(signal) {
    const { request } = this.choices;
    const response = await askFor(request, this.photo, { signal });
    const result = await response.blob();
    const picture = result.type.startsWith("image/") ? await bitmapOf(result) : null;
    if (signal.aborted) return;
    byId("photo-problem").hidden = true;
    this.viewer.show(this.before, picture);
    this.#showCorners();
    this.#showResult(request, response, result);
    await this.#showFigures(result);
  }

  /** A result that is no picture: figures are shown as they come, files are named. */
  async #showFigures(result) {
    const isJson = result.type === "application/json";
    byId("photo-figures").hidden = result.type.startsWith("image/");
    byId("photo-figures").textContent = isJson
      ? JSON.stringify(await new Response(result).json(), null, 2).slice(0, MOST_CHARACTERS)
      : `${byId("photo-download").download} is no picture: download it.`;
  }

  #showResult(request, response, result) {
    const name = `${stem(this.photo.name)}-${request.path.slice(1)}.${extension(result.type)}`;
    const download = byId("photo-download");
    URL.revokeObjectURL(download.href);
    Object.assign(download, { hidden: false, href: URL.createObjectURL(result), download: name });
    byId("photo-facts").textContent = factsOf(response, result);
    this.recipe.show(request, this.photo.name, name);
  }

  /** Once for each picture and model; a picture in which nothing is found still has classes. */
  async #readLabels(signal) {
    const { model } = this.choices;
    if (this.labelledModel === model.name || signal.aborted) return;
    const fields = [["model", model.name], ["output", "labels"], ["format", "json"], ["allow_empty", "true"]];
    const response = await askFor({ path: "/segment", fields, files: [] }, this.photo, { signal });
    const labels = new LabelMap(await response.json(), model.classes);
    if (signal.aborted) return;
    this.labelledModel = model.name;
    this.#showLabels(labels);
  }

  #showLabels(labels) {
    this.labels = labels;
    this.legend.show(labels, this.choices.kept);
    byId("photo-canvas").classList.toggle("pick", Boolean(labels));
    this.#point(-1, -1);
  }

  /** A picture that cannot be read has no classes, and that was said already. */
  #failLabels(error) {
    if (error.name === "AbortError" || !byId("photo-problem").hidden) return;
    byId("photo-facts").textContent += ` · no classes: ${error.message}`;
  }

  #hideResult() {
    byId("photo-problem").hidden = true;
    byId("photo-figures").hidden = true;
    byId("photo-download").hidden = true;
    byId("photo-recipe").hidden = true;
    byId("photo-facts").textContent = "";
  }

  #fail(error, signal) {
    if (error.name === "AbortError") return;
    const problem = error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error), code: "page" });
    this.#hideResult();
    const note = byId("photo-problem");
    note.replaceChildren(problemCard(problem));
    note.hidden = false;
    this.viewer.show(this.before, null);
    this.#showCorners();
    if (problem.status === 503) this.#comeBack(problem.retryAfterS ?? 1, signal);
  }

  async #comeBack(seconds, signal) {
    for (let left = seconds; left > 0; left -= 1) {
      byId("photo-facts").textContent = `Trying again in ${left} s`;
      await pause(1000);
      if (signal.aborted) return;
    }
    this.#run();
  }

  #showCorners() {
    for (const id of ["photo-before", "photo-after"]) byId(id).hidden = !this.viewer.canCompare;
  }

  #point(x, y, event) {
    const entry = event ? this.labels?.classAt(x, y) : undefined;
    const chip = byId("photo-pointed");
    chip.hidden = !entry;
    this.legend.point(entry);
    this.#light(entry);
    if (!entry) return;
    const dot = make("span", { class: "dot" });
    dot.style.backgroundColor = entry.color;
    chip.replaceChildren(dot, entry.name);
    const bounds = byId("photo-stage").getBoundingClientRect();
    chip.style.translate = `${event.clientX - bounds.left + 14}px ${event.clientY - bounds.top + 14}px`;
  }

  /** Only one class stays lit. */
  #light(entry) {
    const shade = entry && this.labels ? this.labels.shade(entry) : null;
    if (shade === this.viewer.shade) return;
    this.viewer.shade = shade;
    this.viewer.draw();
  }

  #pick(x, y) {
    const entry = this.labels?.classAt(x, y);
    if (entry) this.legend.toggle(entry.name);
  }

  #listen() {
    const openFirst = ([file]) => this.open(file);
    for (const id of ["photo-file", "photo-again"]) takeChosen(byId(id), openFirst);
    takeDrops(byId("photo-stage"), openFirst);
    takePasted(() => !byId("photo").hidden, openFirst);
    const view = this.viewer;
    const zooms = { in: () => view.zoom(1.5), out: () => view.zoom(1 / 1.5), fit: () => view.fit(), pixels: () => view.zoomToPixels() };
    for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
    byId("photo-samples").replaceChildren(...Object.entries(SAMPLES).map(([name, title]) => this.#sample(name, title)));
  }

  #sample(name, title) {
    const url = `studio/samples/${name}`;
    const open = async () => this.open(new File([await (await fetch(url)).blob()], name, { type: "image/webp" }));
    return make("button", { class: "sample", type: "button", "aria-label": `Sample: ${title}`, onclick: open },
      make("img", { src: url, alt: "" }));
  }
}

/** Upright pixels; null where this browser cannot read the format, though the service may. */
async function bitmapOf(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    return null;
  }
}

/** Size, time and model, from the answer's headers. */
function factsOf(response, result) {
  const stages = [...(response.headers.get("Server-Timing") ?? "").matchAll(/dur=([\d.]+)/g)];
  const ms = stages.reduce((sum, [, duration]) => sum + Number(duration), 0);
  const size = result.size < 1e6 ? `${Math.ceil(result.size / 1e3)} kB` : `${(result.size / 1e6).toFixed(1)} MB`;
  return `${response.headers.get("X-Model")} · ${Math.round(ms)} ms · ${size}`;
}
