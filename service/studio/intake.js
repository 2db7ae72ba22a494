// How pictures come in: chosen, dropped or pasted; and what files are called.

/** Files dropped on `zone` go to `onFiles`. The counter is there because entering a child leaves its parent. */
export function takeDrops(zone, onFiles) {
  let inside = 0;
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    zone.classList.toggle("over", inside > 0);
  };
  zone.addEventListener("dragenter", (event) => { event.preventDefault(); mark(1); });
  zone.addEventListener("dragleave", () => mark(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-inside);
    if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
  });
}

/** The files chosen in `input` go to `onFiles`; the same file can be chosen again. */
export function takeChosen(input, onFiles) {
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) onFiles(files);
  });
}

/** Pictures pasted while `isWanted()` go to `onFiles`. */
export function takePasted(isWanted, onFiles) {
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length && isWanted()) onFiles(files);
  });
}

/** A file dropped beside every zone must not replace the page. */
export function ignoreOtherDrops() {
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
}

/** `holiday.photo.JPG` is `holiday.photo`. */
export const stem = (name) => name.replace(/\.[^.]+$/, "") || name;

const EXTENSIONS = { "image/jpeg": "jpg", "application/json": "json", "application/zip": "zip", "application/x-npz": "npz" };

/** How a result of this media type is called. */
export function extension(mediaType) {
  const [type] = mediaType.split(";");
  return EXTENSIONS[type] ?? type.split("/")[1] ?? "bin";
}
