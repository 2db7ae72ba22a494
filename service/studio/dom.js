// Small help with the document. Text only ever becomes text: nothing here or elsewhere parses HTML.

export const byId = (id) => document.getElementById(id);

/** An element with attributes (`text`, `style`, `on…` listeners and `checked`-like properties too) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, name, value) {
  if (name === "text") element.textContent = value;
  else if (name === "style") Object.assign(element.style, value);
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (typeof value === "boolean") element.toggleAttribute(name, value);
  else if (value !== null && value !== undefined) element.setAttribute(name, value);
}

/** A copy of what is in a template: `element`, and those in it that have a `data-part`, by that. */
export function copyOf(id) {
  const element = byId(id).content.firstElementChild.cloneNode(true);
  const parts = [...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
  return { element, ...Object.fromEntries(parts) };
}

/** What is done on a click, by the end of an id. */
export function onClicks(tab, acts) {
  for (const [name, act] of Object.entries(acts)) byId(`${tab}-${name}`).addEventListener("click", () => act());
}

export function afterQuiet(delayMs, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, delayMs);
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Signals of which the last one alone is not aborted. */
export class Turns {
  next() {
    this.last?.abort();
    this.last = new AbortController();
    return this.last.signal;
  }
}

/** Tells `say` each second how many are left. Whether nobody called it off. */
export async function countDown(seconds, isOff, say) {
  for (let left = Math.ceil(seconds); left > 0 && !isOff(); left -= 1) {
    say(left);
    await pause(1000);
  }
  return !isOff();
}

export function sayOn(button, text) {
  const usual = (button.dataset.usual ??= button.textContent);
  button.textContent = text;
  setTimeout(() => { button.textContent = usual; }, 2000);
}

export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const SHORT_S = 10;

/** As `clock`; to the hundredth where all of it `lasts` so short that several frames would have the same second. */
export const moment = (seconds, lasts) => lasts < SHORT_S ? `${seconds.toFixed(2)} s` : clock(seconds);

/** `83.4` seconds are `1:23`. */
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
