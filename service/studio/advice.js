// What went wrong, in words for people, and a button for what they can do about it: one row a code.

import { make } from "./dom.js";
import { Problem } from "./service.js";

const BUTTONS = {
  again: "Try again",
  choose: "Choose another file",
  empty: "Show the empty result",
  reset: "Reset the options",
  model: "Use the standard model",
};

const READABLE = "JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF and BMP can be read.";

const ROWS = {
  unreachable: ["The service does not answer", "It may have been stopped, or the network is gone. Your picture is still here.", "again"],
  empty_file: ["This file is empty", "It may not have been copied or downloaded to its end.", "choose"],
  missing_image: ["This file is empty", "It may not have been copied or downloaded to its end.", "choose"],
  unsupported_image: ["This is no picture that can be read here", READABLE, "choose"],
  undecodable_image: ["This picture is damaged", "Download or export it once more, or take another one.", "choose"],
  truncated_image: ["The end of this picture is missing", "It ends too early. Download or copy it once more, or take another one.", "choose"],
  too_many_pixels: ["This picture is too large", null, "choose"],
  too_many_bytes: ["This file is too large", null, "choose"],
  no_foreground: ["There is nothing to keep in this picture", "The model does not see a subject. Another model may see more. Or show the empty result, and paint over the subject with Keep.", "empty", "choose"],
  unknown_model: ["This model is gone", "The service has other models now.", "model"],
  bad_option: ["An option does not fit", null, "reset"],
  not_acceptable: ["The result does not come in this format", null, "reset"],
  deadline_exceeded: ["This took too long", "The service is busy, or the picture very large.", "again"],
  too_many_connections: ["The service is busy", "Many people use it at this moment.", "again"],
  queue_full: ["The service is busy", "Many people use it at this moment.", "again"],
  not_ready: ["The service is starting", "It loads its models, which takes some seconds.", "again"],
};

/** A card that says it, with a button for each act of its row; `acts` are the functions behind those, by name,
 *  and `own` are rows that come first. */
export function adviceCard(error, acts, own = {}) {
  const problem = error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error), code: "page" });
  const [title, text, ...names] = own[problem.code] ?? ROWS[problem.code] ?? [problem.title, null, "again"];
  const said = text ?? inPlainUnits(problem.detail);
  const buttons = names.map((name) => make("button", { class: "button", type: "button", "data-act": name, text: BUTTONS[name], onclick: acts[name] }));
  return make("div", { class: "problem" },
    make("strong", { text: title }),
    said && said !== title ? make("p", { text: said }) : null,
    make("div", { class: "problem-acts" }, buttons),
    make("code", { text: [problem.code, problem.request_id].filter(Boolean).join(" · ") }));
}

/** `33554432 bytes` are `34 MB`, and `50000000 pixels` are `50 megapixels`. */
const inPlainUnits = (text) => text
  .replaceAll(/(\d{6,}) bytes/g, (whole, bytes) => `${Math.round(bytes / 1e6)} MB`)
  .replaceAll(/(\d{6,}) pixels/g, (whole, pixels) => `${Math.round(pixels / 1e6)} megapixels`);
