#!/bin/sh
# sharp 0.35.5: dilate() is for black subjects, and erode() too. Its page says that dilate expands, and erode shrinks, "foreground
# objects"; of a mask or a matte, where white is the subject, they do each other's work: dilate() eats what is thin, erode() lets
# it grow, so that whoever would close holes (dilate, then erode) widens them. To OpenCV's dilate() what is bright is the
# foreground, and so it is to libvips, with which sharp does it. Nothing is raised.
# Seen, of one white pixel in a black mask of 5 x 5: 0 white pixels after dilate(), 9 after erode(); of one black pixel in a
# white mask 9 black ones after dilate(), 0 after erode().
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund sharp@0.35.5
node - <<'JS'
const sharp = require("sharp");

const mask = (dot, ground) => {
  const levels = Buffer.alloc(25, ground);
  levels[12] = dot;
  return sharp(levels, {raw: {width: 5, height: 5, channels: 1}});
};
const count = async (picture, level) =>
  [...(await picture.toColourspace("b-w").raw().toBuffer())].filter((each) => each === level).length;

(async () => {
  const seen = [];
  for (const [dot, ground] of [[255, 0], [0, 255]])
    seen.push(await count(mask(dot, ground).dilate(1), dot), await count(mask(dot, ground).erode(1), dot));
  console.log("white dot: dilated to", seen[0], "pixels, eroded to", seen[1]);
  console.log("black dot: dilated to", seen[2], "pixels, eroded to", seen[3]);
  process.exitCode = seen.join(" ") === "0 9 9 0" ? 0 : 1;
})();
JS
