// What went wrong, in words for people, which are in the page.

import { byId } from "./dom.js";
import { Problem } from "./service.js";

/** A card that says it, with a button for each of `acts` that helps: functions, by name. `first` is a template whose
 *  words come first. */
export function adviceCard(error, acts = {}, first = "advice") {
  const problem = Problem.of(error);
  const found = [first, "advice"].map((id) => byId(id).content.querySelector(`[data-codes~="${problem.code}"]`));
  const card = (found[0] ?? found[1] ?? byId("advice").content.lastElementChild).cloneNode(true);
  const [title, text] = card.children;
  title.textContent ||= problem.title;
  text.textContent ||= problem.detail === problem.title ? "" : inPlainUnits(problem.detail);
  text.hidden = !text.textContent;
  for (const button of card.querySelectorAll("button")) {
    const act = acts[button.dataset.act];
    if (act) button.addEventListener("click", () => act());
    else button.remove();
  }
  card.lastElementChild.textContent = [problem.code, problem.request_id].filter(Boolean).join(" · ");
  return card;
}

/** The same in one line. */
export function adviceLine(error) {
  const [title, text] = adviceCard(error).children;
  return [title, text].map(({ textContent }) => textContent).filter(Boolean).join(": ");
}

/** `33554432 bytes` are `34 MB`, and `50000000 pixels` are `50 megapixels`. */
const inPlainUnits = (text) => text
  .replaceAll(/(\d{6,}) bytes/g, (whole, bytes) => `${Math.round(bytes / 1e6)} MB`)
  .replaceAll(/(\d{6,}) pixels/g, (whole, pixels) => `${Math.round(pixels / 1e6)} megapixels`);
