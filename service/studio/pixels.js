// Pictures as bitmaps, canvases, bytes and files, one into another.

const SQUARE_PX = 10;

/** Upright pixels; null where this browser cannot read the format, though the service may. */
export const bitmapOf = (blob) => createImageBitmap(blob).catch(() => null);

/** The same shape, its longer side no longer than `longest` pixels. */
export function within({ width, height }, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export function empty({ width, height }, options) {
  const context = new OffscreenCanvas(width, height).getContext("2d", options);
  context.imageSmoothingQuality = "high";
  return context;
}

/** A canvas with the picture on it, as large as that or as `size`. */
export function drawn(picture, size = picture, options = undefined) {
  const context = empty(size, options);
  context.imageSmoothingQuality = "medium"; // "high" takes three times as long, for each frame of a camera
  context.drawImage(picture, 0, 0, size.width, size.height);
  return context.canvas;
}

export function pixelsOf(picture) {
  const context = drawn(picture, picture, { willReadFrequently: true }).getContext("2d");
  return context.getImageData(0, 0, picture.width, picture.height);
}

export function alphaOf(picture) {
  const { data } = pixelsOf(picture);
  return Uint8Array.from({ length: data.length / 4 }, (_, at) => data[4 * at + 3]);
}

export function canvasOf(pixels) {
  const context = empty(pixels);
  context.putImageData(pixels, 0, 0);
  return context.canvas;
}

/** A grey canvas of 8 bits a pixel. */
export const greyOf = (levels, size) => painted(levels, size, (level) => 0xff000000 | (level * 0x10101));

/** A black canvas, as opaque as 8 bits a pixel say. */
export const maskOf = (levels, size) => painted(levels, size, (level) => level << 24);

/** `word` makes little-endian RGBA of a level. */
function painted(levels, { width, height }, word) {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let at = 0; at < words.length; at += 1) words[at] = word(levels[at]);
  return canvasOf(pixels);
}

/** `name` ends in `png` or `jpeg`, which is what it becomes. */
export async function fileOf(canvas, name, quality) {
  const type = `image/${name.split(".").at(-1)}`;
  return new File([await canvas.convertToBlob({ type, quality })], name, { type });
}

/** As large as `choose` says, of what fits and what covers. */
export function drawInMiddle(context, picture, choose) {
  const { width, height } = context.canvas;
  const scale = choose(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

/** A tile of what shows through where a picture is transparent, for `createPattern`. */
export function checkerboard() {
  const context = empty({ width: 2 * SQUARE_PX, height: 2 * SQUARE_PX });
  fill(context, "#ffffff");
  context.fillStyle = "#dcd9d3";
  for (const corner of [0, SQUARE_PX]) context.fillRect(corner, corner, SQUARE_PX, SQUARE_PX);
  return context.canvas;
}

export function fill(context, style) {
  context.fillStyle = style;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}
