// Pictures as bitmaps, canvases and bytes, one into another.

/** Upright pixels; null where this browser cannot read the format, though the service may. */
export async function bitmapOf(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    return null;
  }
}

/** The ImageData of a bitmap or a canvas. */
export function pixelsOf(picture) {
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height);
}

/** A grey canvas of 8 bits a pixel. */
export function greyOf(levels, { width, height }) {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < levels.length; index += 1) words[index] = 0xff000000 | (levels[index] * 0x10101);
  return canvasOf(pixels);
}

/** A canvas of an ImageData. */
export function canvasOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** One channel of an ImageData's bytes, from 0 (red) to 3 (alpha). */
export function everyFourth(bytes, from) {
  const levels = new Uint8Array(bytes.length / 4);
  for (let index = 0; index < levels.length; index += 1) levels[index] = bytes[4 * index + from];
  return levels;
}

/** The PNG of a bitmap or a canvas. */
export function pngOf(picture) {
  const canvas = picture instanceof OffscreenCanvas ? picture : drawnOf(picture);
  return canvas.convertToBlob({ type: "image/png" });
}

function drawnOf(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas;
}
