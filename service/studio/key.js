// The key that the service wants, where it wants one: asked for once, and kept for this tab only.

import { byId, copyOf } from "./dom.js";

const STORED_AS = "silhouette.key";

const MENDED_BY_A_KEY = ["missing_key", "unknown_key", "scope_missing"];

const key = () => sessionStorage.getItem(STORED_AS);

export const keyHeaders = () => (key() ? { "X-Api-Key": key() } : {});

/** A page cannot choose a socket's headers. */
export const keyProtocols = () => (key() ? ["silhouette", `silhouette.key.${key()}`] : []);

export const isMendedByAKey = ({ code }) => MENDED_BY_A_KEY.includes(code);

/** Asks in the page, and resolves when somebody has given one. */
export function askForKey(problem) {
  const { element, title, detail, input } = copyOf("key-form");
  title.textContent = problem.title;
  detail.textContent = problem.detail;
  byId("trouble").replaceChildren(element);
  input.focus();
  return new Promise((resolve) => {
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(STORED_AS, input.value.trim());
      element.remove();
      resolve();
    });
  });
}
