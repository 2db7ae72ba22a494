// Small line drawings on a grid of 24 by 24.

import { draw } from "./dom.js";

const PERSON = "M12 5.5a3.5 3.5 0 0 1 2 6.4c2.5.8 4 2.9 4 5.6H6c0-2.7 1.5-4.8 4-5.6a3.5 3.5 0 0 1 2-6.4Z";

const ICONS = {
  "/remove-background": [PERSON, "M3 7V5a2 2 0 0 1 2-2h2M17 3h2a2 2 0 0 1 2 2v2M21 17v2a2 2 0 0 1-2 2h-2M7 21H5a2 2 0 0 1-2-2v-2"],
  "/replace-background": ["M3 5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z", "m3 16 4.5-5 4 4.5 3-3.5 6.5 6.5M16 7.5h.01"],
  "/blur-background": ["M12 3.5c3.5 4.2 5.8 7 5.8 10.2a5.8 5.8 0 0 1-11.6 0C6.2 10.5 8.5 7.7 12 3.5Z", "M9.5 14a2.5 2.5 0 0 0 2.5 2.5"],
  "/color-pop": ["M12 3a9 9 0 1 0 0 18c1.3 0 2-.8 2-1.8 0-1.6-1-1.7-1-2.9 0-.9.7-1.3 1.6-1.3H17a4 4 0 0 0 4-4c0-4.5-4-8-9-8Z", "M7.5 12h.010M9.5 8h.010M14.5 8h.01"],
  "/segment": ["M4 4h7v7H4ZM14 4h6v4h-6ZM14 11h6v9h-6ZM4 14h7v6H4Z"],
  light: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z", "M12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.3l1.4 1.4m10.6 10.6 1.4 1.4m0-13.4-1.4 1.4M6.7 17.3l-1.4 1.4"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"],
};

/** For an operation that this page does not know yet. */
const OTHER = ["M12 4v16M4 12h16"];

export const icon = (name) => draw("svg", { viewBox: "0 0 24 24", class: "icon-of", "aria-hidden": "true" },
  ...(ICONS[name] ?? OTHER).map((d) => draw("path", { d })));
