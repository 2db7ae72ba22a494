// Small help with the document. Text only ever becomes text: nothing here or elsewhere parses HTML.

export const byId = (id) => document.getElementById(id);

/** An element with attributes (`text`, `on…` listeners and `checked`-like properties too) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, name, value) {
  if (name === "text") element.textContent = value;
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (typeof value === "boolean") element.toggleAttribute(name, value);
  else if (value !== null && value !== undefined) element.setAttribute(name, value);
}

/** A button with words on it. */
export const button = (text, onclick, attributes = {}) => make("button", { class: "button", type: "button", text, onclick, ...attributes });

/** Calls `work` when the element with this id is clicked. */
export const onClick = (id, work) => byId(id).addEventListener("click", work);

/** An SVG element. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Calls `work` once, `delayMs` after the last call. */
export function afterQuiet(delayMs, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, delayMs);
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Says something on a button for two seconds. */
export function sayOn(element, text) {
  const usual = (element.dataset.usual ??= element.textContent);
  element.textContent = text;
  setTimeout(() => { element.textContent = usual; }, 2000);
}

/** Offers `blob` as a download. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** `83.4` seconds are `1:23`. */
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** What went wrong, as the service's problem document says it (RFC 9457). */
export function problemCard(problem) {
  return make("div", { class: "problem" },
    make("strong", { text: problem.title }),
    problem.detail === problem.title ? null : make("p", { text: problem.detail }),
    make("code", { text: [problem.code, problem.request_id].filter(Boolean).join(" · ") }));
}
