// Which options have a say, given the others: what changes nothing is neither shown nor sent.

const PICTURES = ["png", "webp", "jpeg"];

/** What each output of /segment comes in. */
const SEGMENT_FORMATS = {
  labels: ["png", "json", "npz"], mask: ["png"], masks: ["zip", "json"], overlay: PICTURES, confidence: PICTURES, summary: ["json"],
};

const RELEVANT = {
  quality: ({ format }) => ["webp", "jpeg"].includes(format),
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

/** The formats that can hold the result. */
export function formatsOf({ path, output, color }) {
  if (path === "/segment") return SEGMENT_FORMATS[output] ?? PICTURES;
  const isCutout = path === "/remove-background" && output !== "matte";
  return isCutout || isTransparent(color) ? ["png", "webp"] : PICTURES;
}

/** Hex with alpha counts, too. */
const isTransparent = (color) => color === "transparent" || /^#?([0-9a-f]{3}[0-9a-e]|[0-9a-f]{6}(?!ff)[0-9a-f]{2})$/i.test(color ?? "");
