// What was painted on a photo, and the masks that the service takes for it.

const MASK_SIDE_PX = 1024; // plenty for a brush
const FIELDS = { keep_mask: true, remove_mask: false };

export class Corrections {
  /** `strokes` are `{isKept, radius, points: [[x, y], …]}`, in the photo's pixels; the later ones win. */
  constructor(strokes) {
    this.strokes = strokes;
    this.key = crypto.randomUUID();
  }

  with(stroke) { return new Corrections([...this.strokes, stroke]); }

  /** The masks that there are, as `[field, {name}]`. */
  get names() {
    const fields = Object.keys(FIELDS).filter((field) => this.strokes.some(({ isKept }) => isKept === FIELDS[field]));
    return fields.map((field) => [field, { name: `${field}.png` }]);
  }

  /** `[field, File]` of each, for a photo of this size. */
  files(size) {
    return Promise.all(this.names.map(async ([field, { name }]) => [field, new File([await this.#mask(FIELDS[field], size)], name, { type: "image/png" })]));
  }

  #mask(isKept, { width, height }) {
    const scale = Math.min(1, MASK_SIDE_PX / Math.max(width, height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
    const context = canvas.getContext("2d");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.scale(canvas.width / width, canvas.height / height);
    for (const stroke of this.strokes) drawStroke(context, stroke, stroke.isKept === isKept ? "#fff" : "#000");
    return canvas.convertToBlob({ type: "image/png" });
  }
}

/** A round pen's way. */
export function drawStroke(context, { points, radius }, style) {
  Object.assign(context, { strokeStyle: style, lineWidth: 2 * radius, lineCap: "round", lineJoin: "round" });
  const [[x, y]] = points;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 0.01, y); // a line of no length is not drawn
  for (const [nextX, nextY] of points) context.lineTo(nextX, nextY);
  context.stroke();
}
