#!/bin/sh
# sharp 0.35.5: a chain is not done in the order in which it is written. joinChannel(mask).resize(...) makes the photo small,
# joins the mask to it in the mask's own size, fills the photo up with black to that size, and cuts the middle out of it: a
# picture of the size that was asked for, most of it black, with the middle of the mask for its alpha. Nothing is raised.
# Seen, of a grey photo of 4 x 4 pixels with a mask whose pixels are 240 to 255, to 2 x 2:
#   100 100 100 245 | 0 0 0 246 | 0 0 0 249 | 0 0 0 250
# In two steps, of which the first ends with toBuffer(), all four pixels are grey (98 to 100), with the alpha of their quarter.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
node - <<'JS'
const sharp = require("sharp");

const raw = (levels, channels) => ({raw: {width: 4, height: 4, channels}, input: Buffer.from(levels)});
const photo = raw(Array(48).fill(100), 3), mask = raw([...Array(16).keys()].map((n) => 240 + n), 1);
const start = () => sharp(photo.input, {raw: photo.raw}).joinChannel(mask.input, {raw: mask.raw});
const pixels = (bytes) => [...Array(bytes.length / 4).keys()].map((n) => [...bytes.subarray(4 * n, 4 * n + 4)].join(" "));

(async () => {
  const atOnce = pixels(await start().resize(2, 2).raw().toBuffer());
  const joined = await start().raw().toBuffer();
  const inSteps = pixels(await sharp(joined, {raw: {width: 4, height: 4, channels: 4}}).resize(2, 2).raw().toBuffer());
  console.log("at once: ", atOnce.join(" | "));
  console.log("in steps:", inSteps.join(" | "));
  const black = atOnce.join(" | ") === "100 100 100 245 | 0 0 0 246 | 0 0 0 249 | 0 0 0 250";
  process.exitCode = black && inSteps.every((pixel) => Number(pixel.split(" ")[0]) >= 95) ? 0 : 1;
})();
JS
