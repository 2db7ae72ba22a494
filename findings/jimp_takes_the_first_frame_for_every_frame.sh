#!/bin/sh
# jimp 1.6.1: Jimp.fromBitmap takes, of a Uint8Array or Buffer that is a part of a larger one, the larger one from its beginning. A
# Buffer is copied rightly first, and then overwritten, as it is a Uint8Array too, by all of data.buffer; byteOffset is not asked.
# So a film's frames, cut by subarray() out of what a decoder wrote, all become the first one, and the mask that lies behind a
# photo becomes the photo. Size and type look right. data.slice() of a Uint8Array, which copies, is read as it should be.
# Seen, of the frames with the levels 10, 20 and 30: 10, 10, 10; of their slices 10, 20, 30.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund jimp@1.6.1
node - <<'JS'
const {Jimp} = require("jimp");

const side = 4, bytes = side * side * 4;
const film = new Uint8Array(3 * bytes);
[10, 20, 30].forEach((level, n) => film.fill(level, n * bytes, (n + 1) * bytes));
const frames = [0, 1, 2].map((n) => film.subarray(n * bytes, (n + 1) * bytes));
const level = (data) => Jimp.fromBitmap({width: side, height: side, data}).bitmap.data[0];

const seen = {
  "parts of a Uint8Array": frames.map(level),
  "parts of a Buffer": frames.map((frame) => level(Buffer.from(frame.buffer, frame.byteOffset, bytes))),
  "copies": frames.map((frame) => level(frame.slice())),
};
for (const [data, levels] of Object.entries(seen)) console.log(`${data}: ${levels.join(" ")}`);
const told = Object.values(seen).map((levels) => levels.join(" ")).join("|");
process.exitCode = told === "10 10 10|10 10 10|10 20 30" ? 0 : 1;
JS
