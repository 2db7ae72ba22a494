// The key that the service wants, where it wants one: asked for once, and kept for this tab only.

import { byId, make } from "./dom.js";

const STORED_AS = "silhouette.key";

/** Codes of problems that another key may mend. */
const MENDED_BY_A_KEY = ["missing_key", "unknown_key", "scope_missing"];

export const key = () => sessionStorage.getItem(STORED_AS);

/** What a request says of it. */
export const keyHeaders = () => (key() ? { "X-Api-Key": key() } : {});

/** What a socket says of it: a page cannot choose a socket's headers. */
export const keyProtocols = () => (key() ? ["silhouette", `silhouette.key.${key()}`] : []);

export const isMendedByAKey = ({ code }) => MENDED_BY_A_KEY.includes(code);

/** Asks in the page, and resolves when somebody has given one. */
export function askForKey(problem) {
  const trouble = byId("trouble");
  return new Promise((resolve) => {
    const field = make("input", { type: "password", id: "key", autocomplete: "off", required: true });
    const use = (event) => {
      event.preventDefault();
      sessionStorage.setItem(STORED_AS, field.value.trim());
      trouble.replaceChildren();
      resolve();
    };
    trouble.replaceChildren(make("form", { class: "problem", onsubmit: use },
      make("strong", { text: problem.title }),
      make("p", { text: problem.detail }),
      make("label", { for: "key", text: "Key" }), field,
      make("button", { class: "button", type: "submit", text: "Use this key" })));
    field.focus();
  });
}
