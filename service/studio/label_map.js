// Which class each pixel has: the service's label map as JSON, with one COCO run-length code for each class.

const NUMBER_BITS = 5;
const FIRST_CHARACTER = 48;
const VOID = 255;
const SURE = 128; // from here on a pixel is more likely the subject's than not
const SHADE_SIDE_PX = 1024;
const SHADE = 0xa6100c0c; // nearly black, 65% opaque, as the little-endian word of one RGBA pixel

export class LabelMap {
  /** `labels` is the answer of `/segment?output=labels&format=json`; `classes` those of the model. */
  static ofJson(labels, classes) {
    const map = new LabelMap(labels, classes);
    // By name: the classes of two models together may have other numbers.
    const idOf = new Map(classes.map(({ id, name }) => [name, id]));
    for (const { id, label, rle } of labels.classes) map.#paint(idOf.get(label) ?? id, numbersOf(rle.counts));
    return map;
  }

  /** Of a model that knows a subject and the rest; `levels` are 8 bits a pixel. */
  static ofMatte(levels, { width, height }, classes) {
    const map = new LabelMap({ width, height }, classes);
    const [subject, rest] = [true, false].map((isSubject) => classes.find(({ foreground }) => foreground === isSubject).id);
    levels.forEach((level, index) => { map.ids[index] = level >= SURE ? subject : rest; });
    const area = levels.reduce((sum, level) => sum + (level >= SURE), 0);
    map.areas = new Map([[subject, area], [rest, levels.length - area]]);
    return map;
  }

  /** Nothing is known of any pixel. */
  constructor({ width, height }, classes) {
    this.width = width;
    this.height = height;
    this.classes = classes;
    this.ids = new Uint8Array(this.width * this.height).fill(VOID);
    this.areas = new Map();
    this.shades = new Map();
  }

  /** The class under a pixel; undefined where the input is transparent, or outside. */
  classAt(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return undefined;
    return this.classes.find(({ id }) => id === this.ids[Math.floor(y) * this.width + Math.floor(x)]);
  }

  /** 0 to 1. */
  fraction = (classId) => (this.areas.get(classId) ?? 0) / this.ids.length;

  /** A canvas that darkens everything but one class, no larger than it needs to be on a screen. */
  shade(entry) {
    if (!this.shades.has(entry.id)) this.shades.set(entry.id, this.#drawShade(entry));
    return this.shades.get(entry.id);
  }

  /** Runs go down the columns and begin with what the class is not. */
  #paint(id, runs) {
    let position = 0;
    let area = 0;
    runs.forEach((length, index) => {
      if (index % 2 === 1) {
        area += length;
        this.#fill(id, position, length);
      }
      position += length;
    });
    this.areas.set(id, area);
  }

  #fill(id, start, length) {
    const { width, height, ids } = this;
    let [x, y] = [Math.floor(start / height), start % height];
    for (let left = length; left > 0; left -= 1) {
      ids[y * width + x] = id;
      y += 1;
      if (y === height) [x, y] = [x + 1, 0];
    }
  }

  #drawShade(entry) {
    const scale = Math.min(1, SHADE_SIDE_PX / Math.max(this.width, this.height));
    const width = Math.max(1, Math.round(this.width * scale));
    const height = Math.max(1, Math.round(this.height * scale));
    const pixels = new ImageData(width, height);
    const words = new Uint32Array(pixels.data.buffer);
    for (let y = 0; y < height; y += 1) {
      const row = Math.floor((y + 0.5) / scale) * this.width;
      for (let x = 0; x < width; x += 1) {
        if (this.ids[row + Math.floor((x + 0.5) / scale)] !== entry.id) words[y * width + x] = SHADE;
      }
    }
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }
}

/** The run lengths. Source: rleFrString in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c */
function numbersOf(text) {
  const runs = [];
  for (let at = 0; at < text.length;) {
    let [value, shift, group] = [0, 0, 0];
    do {
      group = text.charCodeAt(at) - FIRST_CHARACTER;
      value |= (group & 31) << shift;
      shift += NUMBER_BITS;
      at += 1;
    } while (group & 32);
    if (group & 16) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}
