// How files come in: chosen, pasted or dropped, also by the folder; and what files are called.

import { byId } from "./dom.js";

const PICTURE_NAMES = /\.(jpe?g|png|webp|heic|heif|avif|tiff?|gif|bmp)$/i;

/** Files chosen in `inputs`, or pasted or dropped anywhere while `tab` is shown, go to `onFiles`, whatever they are: the
 *  service says what is wrong with them. `zone` shows that they may be dropped. */
export function takeFiles(tab, zone, inputs, onFiles) {
  const isWanted = () => !byId(tab).hidden && !inputs[0].disabled;
  const take = (files) => { if (files.length && isWanted()) onFiles(files); };
  let inside = 0; // entering a child leaves its parent
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    zone.classList.toggle("over", inside > 0 && isWanted());
  };
  document.addEventListener("dragenter", () => mark(1));
  document.addEventListener("dragleave", () => mark(-1));
  document.addEventListener("drop", async ({ dataTransfer, target }) => {
    mark(-inside);
    if (isWanted() && !target.closest(".swatch")) take(await droppedFiles(dataTransfer)); // a swatch takes a background
  });
  document.addEventListener("paste", ({ clipboardData }) => take([...(clipboardData?.files ?? [])]));
  for (const input of inputs) takeChosen(input, take);
}

/** The files chosen in `input` go to `onFiles`; the same file can be chosen again. A folder's are its pictures. */
export function takeChosen(input, onFiles) {
  input.addEventListener("change", () => {
    const files = input.webkitdirectory ? picturesOf(input.files) : [...input.files];
    input.value = "";
    if (files.length) onFiles(files);
  });
}

export function keepPage() {
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
}

/** Without the hidden ones, which some systems leave in folders. */
const picturesOf = (files) => [...files].filter(({ name, type }) => !name.startsWith(".") && (type.startsWith("image/") || PICTURE_NAMES.test(name)));

async function droppedFiles(transfer) {
  // Both lists are empty once this turn is over.
  const files = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = await Promise.all(entries.map((entry, index) => (entry?.isDirectory ? filesBelow(entry) : [files[index]])));
  return found.flat().filter(Boolean);
}

/** The pictures of a folder and those below it, in the order of their names. */
async function filesBelow(folder) {
  const entries = (await entriesOf(folder)).sort((one, other) => one.name.localeCompare(other.name));
  const found = [];
  for (const entry of entries) {
    if (entry.isDirectory) found.push(...await filesBelow(entry));
    else found.push(...picturesOf([await new Promise((resolve, reject) => entry.file(resolve, reject))]));
  }
  return found;
}

/** A browser hands out a hundred at a time, and nothing when that was all. */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

/** A picture that comes with this page, as the browser has it since it was shown: also while the service is away. */
export async function shippedFile(url) {
  return new File([await (await fetch(url, { cache: "force-cache" })).blob()], url.split("/").at(-1), { type: "image/webp" });
}

/** `holiday.photo.JPG` is `holiday.photo`. */
export const stem = (name) => name.replace(/\.[^.]+$/, "") || name;

const EXTENSIONS = { "image/jpeg": "jpg", "application/x-npz": "npz" };

/** How a result of this media type ends. */
export function extension(mediaType) {
  const [type] = mediaType.split(";");
  return EXTENSIONS[type] ?? type.split("/")[1] ?? "bin";
}
