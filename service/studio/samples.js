// Pictures to begin with, for those who have none at hand.

import { byId, make } from "./dom.js";

const SAMPLES = { "astronaut.webp": "An astronaut", "cat.webp": "A cat", "coffee.webp": "A cup of coffee" };

/** `onFile(file)` gets the one that is chosen. */
export function showSamples(onFile) {
  byId("photo-samples").replaceChildren(...Object.entries(SAMPLES).map(([name, title]) => sample(name, title, onFile)));
}

function sample(name, title, onFile) {
  const url = `studio/samples/${name}`;
  const open = async () => onFile(new File([await (await fetch(url)).blob()], name, { type: "image/webp" }));
  return make("button", { class: "sample", type: "button", "aria-label": `Sample: ${title}`, title, onclick: open },
    make("img", { src: url, alt: "" }));
}
