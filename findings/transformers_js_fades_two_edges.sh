#!/bin/sh
# @huggingface/transformers 4.3.1, in Node: RawImage.resize to a larger size fades to black along the right and the lower edge, at
# its default (bilinear) and at bicubic. Masks that a pipeline brings to the size of the photo lose their subject there, and a
# photo gets a dark frame on two sides before a network sees it. The comment in its source says that this is Pillow's way.
# It samples from pixel corners, not centres, and takes what lies beyond the picture for black; nearest and Lanczos do not.
# Seen of a mask of 4 x 4 times 255, made 8 x 8: its last row is 128 128 128 128 128 128 128 64, where all should be 255.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.1
cat > resize.mjs <<'JS'
import {RawImage} from "@huggingface/transformers";

const NEAREST = 0, LANCZOS = 1, BILINEAR = 2, BICUBIC = 3;  // as Pillow counts them
const lastRow = async (resample) => {
  const larger = await new RawImage(new Uint8ClampedArray(16).fill(255), 4, 4, 1).resize(8, 8, {resample});
  return [...larger.data.subarray(56)];
};
const plain = await lastRow(undefined), bicubic = await lastRow(BICUBIC);
const whole = [...(await lastRow(NEAREST)), ...(await lastRow(LANCZOS))];
console.log("default: ", plain.join(" "));
console.log("bilinear:", (await lastRow(BILINEAR)).join(" "));
console.log("bicubic: ", bicubic.join(" "));
console.log("nearest and Lanczos:", whole.join(" "));
const fades = plain.join(" ") === "128 128 128 128 128 128 128 64" && bicubic.every((level) => level < 150);
process.exitCode = fades && whole.every((level) => level === 255) ? 0 : 1;
JS
node resize.mjs
