// Light, dark, or as the system is.

import { byId } from "./dom.js";

const KEY = "silhouette-theme";
const { dataset } = document.documentElement;

export function startTheme() {
  const stored = localStorage.getItem(KEY);
  if (stored) dataset.theme = stored;
  byId("theme").addEventListener("click", () => {
    const isDark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem(KEY, dataset.theme);
  });
}
