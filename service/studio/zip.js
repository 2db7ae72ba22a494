// Writes a zip archive whose files are stored as they are: pictures are compressed already.
// Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF8_NAMES = 0x0800;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** A Blob with the files of `[{name, blob}]`. Reads one at a time; below 4 GB in all, as zip without zip64 is. */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const entry = { name: new TextEncoder().encode(name), crc: crc32(new Uint8Array(await blob.arrayBuffer())), size: blob.size, offset };
    const header = local(entry);
    parts.push(header, blob);
    directory.push(central(entry));
    offset += header.byteLength + blob.size;
  }
  const size = directory.reduce((sum, each) => sum + each.byteLength, 0);
  return new Blob([...parts, ...directory, end(files.length, size, offset)], { type: "application/zip" });
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Little-endian numbers of 2 or 4 bytes, `[[value, bytes], …]`, and then a tail. */
function record(numbers, tail = new Uint8Array()) {
  const size = numbers.reduce((sum, [, bytes]) => sum + bytes, 0);
  const view = new DataView(new ArrayBuffer(size + tail.length));
  let at = 0;
  for (const [value, bytes] of numbers) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  const all = new Uint8Array(view.buffer);
  all.set(tail, size);
  return all;
}

/** What both headers say: version, flags, method "stored", time, checksum, sizes and the length of the name. */
function common({ name, crc, size }) {
  return [[VERSION, 2], [UTF8_NAMES, 2], [0, 2], ...timestamp(new Date()), [crc, 4], [size, 4], [size, 4], [name.length, 2], [0, 2]];
}

const local = (entry) => record([[LOCAL, 4], ...common(entry)], entry.name);

const central = (entry) => record(
  [[CENTRAL, 4], [VERSION, 2], ...common(entry), [0, 2], [0, 2], [0, 2], [0, 4], [entry.offset, 4]], entry.name);

const end = (count, size, offset) => record(
  [[END, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]]);

/** MS-DOS time and date, two bytes each. */
function timestamp(date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [[time, 2], [day, 2]];
}
