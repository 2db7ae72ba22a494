// Which options have a say, given the others: what changes nothing is neither shown nor sent.

const PICTURES = ["png", "webp", "jpeg"];

/** What each output of /segment comes in. */
const SEGMENT_FORMATS = {
  labels: ["png", "json", "npz"], mask: ["png"], masks: ["zip", "json"], overlay: PICTURES, confidence: PICTURES, summary: ["json"],
};

/** What each kind of a film's frames fits in. */
const FILM_FORMATS = {
  cutout: ["webm", "mov", "zip", "gif", "webp"], matte: ["mp4", "webm", "zip"], picture: ["mp4", "webm", "mov", "zip", "gif", "webp"],
};

const RELEVANT = {
  quality: ({ format, speed }) => speed || ["webp", "jpeg"].includes(format),
  compression: ({ path, output, format }) => formatsOf({ path, output }).includes("webp") && !["json", "npz", "zip"].includes(format),
  margin: ({ crop }) => crop === "true",
  decontaminate: ({ output }) => output !== "matte",
  fit: ({ hasPicture }) => hasPicture,
  light_wrap: ({ color }) => color !== "transparent",
  encoding: ({ output, format }) => output === "masks" && format === "json",
  opacity: ({ output }) => output === "overlay",
  hints: () => false, // for programs; here there is a brush
  threshold: ({ head }) => head === "sigmoid",
  shadow_opacity: ({ shadow, preset }) => shadow !== "none" || preset !== "",
  aspect: ({ size }) => !size,
  size: ({ aspect }) => !aspect,
  upscale: ({ size }) => Boolean(size),
};

/** `values` has every option of the operation by name, and `path`, `head` (of the model), `color` and `hasPicture`. */
export const isRelevant = (name, values) => RELEVANT[name]?.(values) ?? true;

/** The formats that can hold the result, the one that it has unasked first. What has a `speed` is a film. */
export function formatsOf({ path, output, color, speed }) {
  if (path === "/segment") return SEGMENT_FORMATS[output] ?? PICTURES;
  const isMatte = path === "/remove-background" && output === "matte";
  const isCutout = (path === "/remove-background" && !isMatte) || isTransparent(color);
  if (speed) return FILM_FORMATS[isMatte ? "matte" : isCutout ? "cutout" : "picture"];
  return isCutout ? ["png", "webp"] : PICTURES;
}

/** Hex with alpha counts, too. */
const isTransparent = (color) => color === "transparent" || /^#?([0-9a-f]{3}[0-9a-e]|[0-9a-f]{6}(?!ff)[0-9a-f]{2})$/i.test(color ?? "");
