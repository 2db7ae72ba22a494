// What went wrong, in words for people, which are in the page.

import { byId } from "./dom.js";
import { Problem } from "./service.js";

/** A card that says it, with a button for each act that helps; `acts` are the functions behind those, by name, and `first`
 *  is a template whose words come first. */
export function adviceCard(error, acts, first = "advice") {
  const problem = error instanceof Problem ? error : Problem.ofPage(error);
  const found = [first, "advice"].map((id) => byId(id).content.querySelector(`[data-codes~="${problem.code}"]`));
  const card = (found[0] ?? found[1] ?? byId("advice").content.lastElementChild).cloneNode(true);
  const [title, text] = card.children;
  title.textContent ||= problem.title;
  text.textContent ||= inPlainUnits(problem.detail);
  text.hidden = !text.textContent || text.textContent === title.textContent;
  for (const button of card.querySelectorAll("button")) button.addEventListener("click", acts[button.dataset.act]);
  card.lastElementChild.textContent = [problem.code, problem.request_id].filter(Boolean).join(" · ");
  return card;
}

/** `33554432 bytes` are `34 MB`, and `50000000 pixels` are `50 megapixels`. */
const inPlainUnits = (text) => text
  .replaceAll(/(\d{6,}) bytes/g, (whole, bytes) => `${Math.round(bytes / 1e6)} MB`)
  .replaceAll(/(\d{6,}) pixels/g, (whole, pixels) => `${Math.round(pixels / 1e6)} megapixels`);
