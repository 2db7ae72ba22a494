// Small line drawings on a grid of 24 by 24.

import { draw } from "./dom.js";

const ICONS = {
  light: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z", "M12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.3l1.4 1.4m10.6 10.6 1.4 1.4m0-13.4-1.4 1.4M6.7 17.3l-1.4 1.4"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"],
  undo: ["M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-4"],
  redo: ["m16 5 4 4-4 4M20 9H10a5 5 0 0 0 0 10h4"],
};

/** For an operation that brings none. */
const OTHER = ["M12 4v16M4 12h16"];

const drawn = (lines) => draw("svg", { viewBox: "0 0 24 24", class: "icon-of", "aria-hidden": "true" },
  ...lines.map((d) => draw("path", { d })));

export const icon = (name) => drawn(ICONS[name]);

export const iconOf = (operation) => drawn(operation.icon.length ? operation.icon : OTHER);
