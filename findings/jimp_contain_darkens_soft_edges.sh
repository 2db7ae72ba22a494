#!/bin/sh
# jimp 1.6.1: contain(), which fits a picture into a size and leaves the rest clear, multiplies colours by alpha and keeps alpha:
# the soft edges of a cutout turn dark, even where the size stays what it was, and again with each further call. It lays the
# picture on a clear one by blit(), which blends colours with the black below as if that were opaque (issue 1072 of its tracker
# speaks of blit()). scaleToFit(), cover() and resize() keep colours, and so does composite() on a clear picture.
# Seen of (200, 100, 50) at alpha 128: contain (100, 50, 25, 128), twice (50, 25, 13, 128); composite (200, 100, 50, 128).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund jimp@1.6.1
node - <<'JS'
const {Jimp} = require("jimp");

const pixel = (picture, x) => [...picture.bitmap.data.subarray(4 * x, 4 * x + 4)].join(" ");
const data = Uint8Array.from(Array(16).fill([200, 100, 50, 128]).flat());

(async () => {
  const file = await Jimp.fromBitmap({width: 4, height: 4, data}).getBuffer("image/png");
  const cutout = () => Jimp.read(file);
  const square = {w: 4, h: 4};
  const wide = (await cutout()).contain({w: 8, h: 4});
  const seen = {
    "as it was": pixel(await cutout(), 0),
    "contain, 8 x 4": pixel(wide, 3),
    "contain, its own size": pixel((await cutout()).contain(square), 0),
    "contain, twice": pixel((await cutout()).contain(square).contain(square), 0),
    "scaleToFit": pixel((await cutout()).scaleToFit(square), 0),
    "composite": pixel(new Jimp({width: 4, height: 4}).composite(await cutout(), 0, 0), 0),
  };
  for (const [call, levels] of Object.entries(seen)) console.log(`${call}: ${levels}`);
  const kept = "200 100 50 128", dark = "100 50 25 128";
  process.exitCode = Object.values(seen).join("|") === [kept, dark, dark, "50 25 13 128", kept, kept].join("|") ? 0 : 1;
})();
JS
