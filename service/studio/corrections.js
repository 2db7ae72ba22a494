// What was painted on a photo, and the masks that the service takes for it.

import { empty, fileOf, fill, within } from "./pixels.js";

const MASK_SIDE_PX = 1024; // plenty for a brush
const FIELDS = { keep_mask: true, remove_mask: false };

export class Corrections {
  /** `strokes` are `{isKept, radius, points: [[x, y], …]}`, in the photo's pixels; the later ones win. */
  constructor(strokes) {
    this.strokes = strokes;
    this.key = crypto.randomUUID();
  }

  with(stroke) { return new Corrections([...this.strokes, stroke]); }

  get names() {
    const fields = Object.keys(FIELDS).filter((field) => this.strokes.some(({ isKept }) => isKept === FIELDS[field]));
    return fields.map((field) => [field, { name: `${field}.png` }]);
  }

  files(size) {
    return Promise.all(this.names.map(async ([field, { name }]) => [field, await fileOf(this.#mask(FIELDS[field], size), name)]));
  }

  #mask(isKept, size) {
    const context = empty(within(size, MASK_SIDE_PX));
    const { canvas } = context;
    fill(context, "#000");
    context.scale(canvas.width / size.width, canvas.height / size.height);
    for (const stroke of this.strokes) drawStroke(context, stroke, stroke.isKept === isKept ? "#fff" : "#000");
    return canvas;
  }
}

export function drawStroke(context, { points, radius }, style) {
  Object.assign(context, { strokeStyle: style, lineWidth: 2 * radius, lineCap: "round", lineJoin: "round" });
  const [[x, y]] = points;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 0.01, y); // a line of no length is not drawn
  for (const [nextX, nextY] of points) context.lineTo(nextX, nextY);
  context.stroke();
}
