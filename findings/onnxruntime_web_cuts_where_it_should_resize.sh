#!/bin/sh
# onnxruntime-common 1.30.0, which is Tensor of onnxruntime-web (with @napi-rs/canvas 1.1.1 for the browser's canvas): the options
# resizedWidth and resizedHeight of Tensor.fromImage do not resize. A tensor of a smaller size holds the upper left corner of
# the photo, one of a larger size the photo in its corner and zeros elsewhere. Its shape is what the network asks for, so it
# runs, and the mask is of that corner. Scale the photo with the canvas first.
# Seen, red of a picture whose 16 pixels are 0, 16, ... 240: 4 x 4 all of them; 2 x 2 is 0 16 64 80, where the halves' means
# would be 40 72 168 200; of 8 x 8 the first row is 0 16 32 48 0 0 0 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund onnxruntime-common@1.30.0 @napi-rs/canvas@1.1.1
node - <<'JS'
const canvas = require("@napi-rs/canvas"), {Tensor} = require("onnxruntime-common");
// What a browser calls them.
Object.assign(globalThis, {HTMLImageElement: canvas.Image, ImageData: canvas.ImageData, OffscreenCanvas: canvas.Canvas});

const drawn = canvas.createCanvas(4, 4), context = drawn.getContext("2d");
for (let n = 0; n < 16; n++) {
  context.fillStyle = `rgb(${16 * n}, 0, 0)`;
  context.fillRect(n % 4, n >> 2, 1, 1);
}
const red = async (photo, side) => {
  const options = side && {resizedWidth: side, resizedHeight: side};
  const {data, dims} = await Tensor.fromImage(photo, options);
  return [...data.subarray(0, dims[2] * dims[3])].map((level) => Math.round(level * 255));
};

(async () => {
  const photo = await canvas.loadImage(await drawn.encode("png"));
  const whole = await red(photo), small = await red(photo, 2), large = await red(photo, 8);
  console.log("4 x 4:", whole.join(" "));
  console.log("2 x 2:", small.join(" "));
  console.log("8 x 8, first row:", large.slice(0, 8).join(" "));
  const cut = small.join(" ") === "0 16 64 80" && large.slice(0, 8).join(" ") === "0 16 32 48 0 0 0 0";
  process.exitCode = cut && whole.every((level, n) => level === 16 * n) ? 0 : 1;
})();
JS
