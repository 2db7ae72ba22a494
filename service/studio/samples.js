// Pictures to begin with, for those who have none at hand.

/** `onFile(file)` gets the one that is chosen. */
export function showSamples(onFile) {
  for (const sample of document.querySelectorAll(".sample")) {
    const { src } = sample.firstElementChild;
    const name = src.split("/").at(-1);
    sample.addEventListener("click", async () => onFile(new File([await (await fetch(src)).blob()], name, { type: "image/webp" })));
  }
}
