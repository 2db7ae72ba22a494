// Light, dark, or as the system is.

import { byId } from "./dom.js";
import { icon } from "./icons.js";

const KEY = "silhouette-theme";

/** Lets the button switch, and remembers what was chosen. */
export function startTheme() {
  const button = byId("theme");
  apply(localStorage.getItem(KEY), button);
  button.addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, chosen);
    apply(chosen, button);
  });
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function apply(theme, button) {
  if (theme) document.documentElement.dataset.theme = theme;
  button.replaceChildren(icon(isDark() ? "light" : "dark"));
}
