#!/bin/sh
# sharp 0.35.5: tiff(), told nothing else, is compressed as JPEG, and JPEG has no alpha: a cutout saved as .tiff is opaque, its
# clear parts black, its soft ones blended with black. No error, no warning; png() and webp() of the same keep alpha.
# A matte loses levels in the same way. Any other compression, such as tiff({compression: "lzw"}), keeps all.
# Seen of a cutout of (200, 100, 50), alpha 128: 3 channels, about 100 50 25; with lzw 4 channels, 200 100 50 128.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
node - <<'JS'
const sharp = require("sharp");

const cutout = () => sharp({create: {width: 64, height: 64, channels: 4, background: {r: 200, g: 100, b: 50, alpha: 128 / 255}}});
const read = async (encoded) => {
  const {data, info} = await sharp(encoded).raw().toBuffer({resolveWithObject: true});
  return {channels: info.channels, pixel: [...data.subarray(0, info.channels)]};
};

(async () => {
  const seen = {};
  for (const [name, chain] of [["plain", cutout().tiff()], ["lzw", cutout().tiff({compression: "lzw"})], ["png", cutout().png()]]) {
    seen[name] = await read(await chain.toBuffer());
    console.log(name, seen[name].channels, "channels:", seen[name].pixel.join(" "));
  }
  const dark = [100, 50, 25].every((level, n) => Math.abs(seen.plain.pixel[n] - level) <= 4);
  const kept = [seen.lzw, seen.png].every(({pixel}) => pixel.join() === "200,100,50,128");
  process.exitCode = seen.plain.channels === 3 && dark && kept ? 0 : 1;
})();
JS
