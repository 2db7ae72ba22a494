// Pictures that come by the folder: dropped anywhere on a tab, or chosen.

const PICTURE_NAMES = /\.(jpe?g|png|webp|heic|heif|avif|tiff?|gif|bmp)$/i;

/** Those of `files` that are pictures by type or name; hidden ones, which some systems leave in folders, are not. */
export const picturesOf = (files) => [...files].filter(({ name, type }) => !name.startsWith(".") && (type.startsWith("image/") || PICTURE_NAMES.test(name)));

/** Files and folders dropped on any place of the page while `isWanted()` go to `onFiles`; `zone` shows that they may. */
export function takeDropsAnywhere(zone, isWanted, onFiles) {
  let inside = 0;
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    zone.classList.toggle("over", inside > 0 && isWanted());
  };
  document.addEventListener("dragenter", () => mark(1));
  document.addEventListener("dragleave", () => mark(-1));
  document.addEventListener("drop", async ({ dataTransfer }) => {
    mark(-inside);
    if (!isWanted()) return;
    const files = await droppedFiles(dataTransfer);
    if (files.length) onFiles(files);
  });
}

/** A file that somebody dropped is taken whatever it is, so that the service can say what is wrong with it. */
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
