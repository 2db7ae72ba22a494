// Which class each pixel has.

import { canvasOf, within } from "./pixels.js";

const VOID = 255;
const SURE = 128; // from here on a pixel is more likely the subject's than not
const SHADE_SIDE_PX = 1024;
const SHADE = 0xa6100c0c; // nearly black, 65% opaque, as the little-endian word of one RGBA pixel

export class LabelMap {
  /** Of `/segment?output=labels&format=json`, with a COCO run-length code for each class; `classes` are the model's. */
  static ofJson({ width, height, classes: found }, classes) {
    const ids = new Uint8Array(width * height).fill(VOID);
    for (const { id, label, rle } of found) {
      const known = classes.find(({ name }) => name === label); // two models together may have other numbers
      paint(ids, width, height, known?.id ?? id, rle.counts);
    }
    return new LabelMap(ids, width, height, classes);
  }

  /** Of a model that knows a subject and the rest; `levels` are 8 bits a pixel. */
  static ofMatte(levels, { width, height }, classes) {
    const [subject, rest] = [true, false].map((isSubject) => classes.find(({ foreground }) => foreground === isSubject).id);
    return new LabelMap(levels.map((level) => (level >= SURE ? subject : rest)), width, height, classes);
  }

  constructor(ids, width, height, classes) {
    Object.assign(this, { ids, width, height, classes, shades: new Map(), areas: new Uint32Array(256) });
    for (const id of ids) this.areas[id] += 1;
  }

  /** The class under a pixel; undefined where the input is transparent, or outside. */
  classAt(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return undefined;
    return this.classes.find(({ id }) => id === this.ids[Math.floor(y) * this.width + Math.floor(x)]);
  }

  fraction = (classId) => this.areas[classId] / this.ids.length;

  /** A canvas that darkens everything but one class, no larger than it needs to be on a screen. */
  shade({ id }) {
    if (!this.shades.has(id)) this.shades.set(id, this.#drawShade(id));
    return this.shades.get(id);
  }

  #drawShade(id) {
    const { width, height } = within(this, SHADE_SIDE_PX);
    const pixels = new ImageData(width, height);
    new Uint32Array(pixels.data.buffer).forEach((_, at, words) => {
      const [x, y] = [at % width, Math.floor(at / width)].map((place) => Math.floor(((place + 0.5) * this.width) / width));
      if (this.ids[y * this.width + x] !== id) words[at] = SHADE;
    });
    return canvasOf(pixels);
  }
}

/** Runs go down the columns, and begin with what the class is not. */
function paint(ids, width, height, id, counts) {
  let position = 0;
  runsOf(counts).forEach((length, index) => {
    const end = position + length;
    if (index % 2 === 0) position = end;
    for (; position < end; position += 1) ids[(position % height) * width + Math.floor(position / height)] = id;
  });
}

/** The run lengths: 5 bits a character. Source: rleFrString in
 *  https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c */
function runsOf(text) {
  const runs = [];
  for (let at = 0; at < text.length;) {
    let [value, shift, group] = [0, 0, 32];
    for (; group & 32; shift += 5, at += 1) {
      group = text.charCodeAt(at) - 48;
      value |= (group & 31) << shift;
    }
    if (group & 16) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + runs.at(-2) : value);
  }
  return runs;
}
