// Light, dark, or as the system is.

import { byId, draw } from "./dom.js";

const KEY = "silhouette-theme";

const SYMBOLS = {
  light: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z", "M12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.300l1.4 1.400m10.6 10.6 1.4 1.400m0-13.4-1.4 1.400M6.7 17.300l-1.4 1.4"],
  dark: ["M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500Z"],
};

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
  const paths = SYMBOLS[isDark() ? "light" : "dark"];
  button.replaceChildren(draw("svg", { viewBox: "0 0 24 24", class: "icon-of", "aria-hidden": "true" }, ...paths.map((d) => draw("path", { d }))));
}
