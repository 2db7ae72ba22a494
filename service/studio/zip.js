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

/** Of `[{name, blob}]`, read one at a time; below 4 GB in all, as zip without zip64 is. */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const title = new TextEncoder().encode(name);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    const common = [[VERSION, 2], [UTF8_NAMES, 2], [0, 2], ...timestamp(new Date()), [crc, 4], [blob.size, 4], [blob.size, 4], [title.length, 2], [0, 2]];
    const local = new Blob([...numbers([LOCAL, 4], ...common), title]);
    parts.push(local, blob);
    directory.push(...numbers([CENTRAL, 4], [VERSION, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), title);
    offset += local.size + blob.size;
  }
  const central = new Blob(directory);
  const end = numbers([END, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [central.size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, central, ...end], { type: "application/zip" });
}

/** `[value, bytes]` each, little-endian. */
const numbers = (...all) => all.map(([value, bytes]) => Uint8Array.from({ length: bytes }, (_, at) => value >>> (8 * at)));

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** MS-DOS time and date, two bytes each. */
function timestamp(date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [[time, 2], [day, 2]];
}
