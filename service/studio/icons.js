// Line drawings of operations, on a grid of 24 by 24. The service sends their paths.

const OTHER = ["M12 4v16M4 12h16"];

export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const iconOf = ({ icon }) => draw("svg", { viewBox: "0 0 24 24", class: "icon-of", "aria-hidden": "true" },
  ...(icon.length ? icon : OTHER).map((d) => draw("path", { d })));
