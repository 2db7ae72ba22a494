// One photo, and what the service has seen in it: each look is asked for once, and kept.

import { Problem, askFor } from "./service.js";
import { LOOKED, SUBJECT, masked } from "./composition.js";
import { LabelMap } from "./label_map.js";
import { alphaOf, bitmapOf, drawn, fileOf, within } from "./pixels.js";
import { Undo } from "./undo.js";

const MOST_LOOKS = 4; // at 12 megapixels each takes 48 MB
const GLANCE_PX = 640;
const CUT_OUT = "/remove-background";

/** For a browser that cannot read the photo: with all of its saturation, nothing changes. */
const CONVERSION = { path: "/color-pop", fields: [["saturation", "1"], ["allow_empty", "true"], ["format", "png"]], files: [] };

export class Shot {
  /** Throws Problem where neither this browser nor the service can read it. */
  static async open(file, signal) {
    if (!file.size) throw new Problem({ title: "The file is empty", code: "empty_file" });
    const before = await bitmapOf(file);
    if (before) return new Shot(file, before, file);
    const readable = await (await askFor(CONVERSION, file, { signal })).blob();
    return new Shot(file, await bitmapOf(readable), readable);
  }

  /** `readable` is the file, or what the service made of it for this browser. */
  constructor(file, before, readable) {
    Object.assign(this, { file, before, readable, looks: new Map(), labels: new Map(), undo: new Undo(), corrections: null, kept: null });
  }

  isOpaque = () => {
    this.opaque ??= this.file.type === "image/jpeg" || alphaOf(this.before).every((level) => level === 255);
    return this.opaque;
  };

  /** The look that a request wants, but for the options in `without`; undefined where it was not asked for. */
  seen(fields, without = []) {
    return this.looks.get(this.#key(fields.filter(([name]) => SUBJECT.includes(name) && !without.includes(name))));
  }

  isAll = (fields) => fields.every(([name]) => SUBJECT.includes(name));

  /** The subject in its own colours. `takesMatte` says whether the service can go on from an earlier matte, and from
   *  what was painted. Throws Problem. */
  async look(fields, takesMatte, signal) {
    const looked = fields.filter(([name]) => LOOKED.includes(name));
    const all = fields.filter(([name]) => SUBJECT.includes(name));
    let look = await this.#once(looked, null, () => this.#ask(looked, [], signal));
    if (this.corrections && takesMatte) {
      const first = look;
      look = await this.#once(looked, this.corrections, async () => this.#ask(looked, [first.matte, ...await this.corrections.files(this.before)], signal));
    }
    if (all.length === looked.length) return look;
    return this.#once(all, this.corrections, () => this.#ask(all, takesMatte ? [look.matte] : [], signal, look));
  }

  /** The subject as `model` sees it in a small copy, as large as the photo. */
  async glance(model, signal) {
    const copy = await fileOf(drawn(this.before, within(this.before, GLANCE_PX)), "glance.jpeg", 0.85);
    const response = await askFor({ path: `${CUT_OUT}?model=${model}`, fields: [], files: [] }, copy, { signal });
    return masked(this.before, await createImageBitmap(await response.blob()));
  }

  /** The classes in it. Throws Problem. */
  async labelsOf(model, look, signal) {
    if (!this.labels.has(model.name)) this.labels.set(model.name, await this.#readLabels(model, look, signal));
    return this.labels.get(model.name);
  }

  /** Gives back what takes much memory, and can be had again. */
  rest(kept) {
    Object.assign(this, { kept, before: null });
    for (const look of this.looks.values()) look.picture = null;
  }

  async wake() {
    this.before ??= await bitmapOf(this.readable);
    for (const look of this.looks.values()) look.picture ??= await createImageBitmap(look.blob);
  }

  async #readLabels(model, look, signal) {
    // Two are told apart by the matte already.
    if (look && model.classes.length === 2) return LabelMap.ofMatte(alphaOf(look.picture), look.picture, model.classes);
    const name = model.parts.at(-1) ?? model.name; // two together have the classes of the second
    const fields = Object.entries({ model: name, output: "labels", format: "json", allow_empty: "true" });
    const response = await askFor({ path: "/segment", fields, files: [] }, this.file, { signal });
    return LabelMap.ofJson(await response.json(), model.classes);
  }

  #key = (fields, corrections = this.corrections) => JSON.stringify([fields, corrections?.key ?? null]);

  async #once(fields, corrections, ask) {
    const key = this.#key(fields, corrections);
    if (!this.looks.has(key)) this.looks.set(key, await ask());
    for (const old of [...this.looks.keys()].slice(1, -MOST_LOOKS)) this.looks.delete(old); // the first one stays
    return this.looks.get(key);
  }

  /** `{blob, picture, headers, matte}`; `matte` is what a request takes in the place of a look, and `bare` the look whose
   *  edges these are. */
  async #ask(fields, files, signal, bare = null) {
    const response = await askFor({ path: CUT_OUT, fields, files }, this.file, { signal });
    const blob = await response.blob();
    const look = { blob, picture: await createImageBitmap(blob), headers: response.headers };
    look.bare = bare?.bare ?? look;
    look.matte = ["matte", new File([look.bare.blob], "matte.png", { type: "image/png" })];
    return look;
  }
}
