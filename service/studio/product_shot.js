// A product shot's page, place and shadow, by the formulas of service/operations/product_shot/layout.py and
// service/pixels/shadows.py.

import { softened } from "./blur.js";
import { alphaOf, drawn, empty, maskOf } from "./pixels.js";

const VISIBLE_LEVEL = 16;
const MAX_SIDE_PX = 10_000;
const MAX_PAGE_PX = 25e6;
const SHADED_PX = 2e6; // of a larger page a smaller shadow is drawn
const PADDING = /^(\d+(\.\d+)?(px|%)?)( +\d+(\.\d+)?(px|%)?){0,3}$/;
const POSITIONS = { center: "50% 50%", bottom: "50% 100%", top: "50% 0%" };

/** `{picture, isExact}` as in composition.js; `page(size)` is what goes behind it, as `{context, isExact, isPlain}`. */
export function productShot(subject, value, page) {
  if (!PADDING.test(value("padding")) || !/\d/.test(placeOf(value))) return null; // half written
  const found = boxOf(subject);
  const layout = layoutOf(found, value);
  const { context, isExact, isPlain } = page(layout.page);
  const placed = empty(layout.page);
  placed.drawImage(subject, found.left, found.top, found.width, found.height, layout.left, layout.top, layout.width, layout.height);
  const shadow = SHADOWS[value("shadow")];
  const isShadowExact = !shadow || (isPlain && layout.page.width * layout.page.height <= SHADED_PX);
  if (shadow) shade(context, placed.canvas, layout, shadow, Number(value("shadow_opacity")));
  context.drawImage(placed.canvas, 0, 0);
  return { picture: context.canvas, isExact: isExact && isShadowExact && layout.width === found.width && layout.height === found.height };
}

const placeOf = (value) => POSITIONS[value("position")] ?? value("position");

/** Where something of the subject is visible; all of it where nothing is. */
function boxOf(subject) {
  const { width, height } = subject;
  const box = { left: width, top: height, right: 0, bottom: 0 };
  alphaOf(subject).forEach((level, at) => {
    if (level < VISIBLE_LEVEL) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    Object.assign(box, { left: Math.min(box.left, x), top: Math.min(box.top, y), right: Math.max(box.right, x + 1), bottom: y + 1 });
  });
  if (!box.bottom) Object.assign(box, { left: 0, top: 0, right: width, bottom: height });
  return { ...box, width: box.right - box.left, height: box.bottom - box.top };
}

/** `{page, left, top, width, height}`: a page's size, and the subject on it. */
function layoutOf(subject, value) {
  const lengths = value("padding").split(/ +/);
  const padding = Array.from({ length: 4 }, (_, side) => lengths[side % lengths.length]);
  const [scale, canGrow] = [Number(value("scale")), value("upscale") === "true"];
  const page = value("size") ? sizeOf(value("size"), "x") : pageAround(subject, padding, sizeOf(value("aspect") || "1:1", ":"), scale);
  const shorter = Math.min(page.width, page.height);
  const [top, right, bottom, left] = padding.map((length) => pixels(length) + share(length) * shorter);
  const room = [Math.max(1, page.width - left - right), Math.max(1, page.height - top - bottom)];
  const most = scale * Math.min(room[0] / subject.width, room[1] / subject.height);
  const factor = canGrow ? most : Math.min(1, most);
  const [width, height] = [subject.width, subject.height].map((side) => Math.max(1, rounded(side * factor)));
  const [across, down] = placeOf(value).split(" ").map((text) => parseFloat(text) / 100);
  return { page, width, height, left: rounded(left + across * (room[0] - width)), top: rounded(top + down * (room[1] - height)) };
}

/** The smallest page of the wanted aspect that holds the subject with its padding. */
function pageAround(subject, padding, { width, height }, scale) {
  const aspect = width / height;
  const shorter = Math.min(aspect, 1);
  const [top, right, bottom, left] = padding;
  const side = (length, one, other) => length / scale + pixels(one) + pixels(other);
  const wide = side(subject.width, left, right) / (aspect - shorter * (share(right) + share(left)));
  const high = side(subject.height, top, bottom) / (1 - shorter * (share(top) + share(bottom)));
  const found = Math.min(Math.max(wide, high), MAX_SIDE_PX, MAX_SIDE_PX / aspect, (MAX_PAGE_PX / aspect) ** 0.5);
  return { width: Math.max(1, rounded(found * aspect)), height: Math.max(1, rounded(found)) };
}

function sizeOf(text, mark) {
  const [width, height] = text.split(mark).map(Number);
  return { width, height };
}

const pixels = (length) => (length.endsWith("%") ? 0 : parseFloat(length));
const share = (length) => (length.endsWith("%") ? parseFloat(length) / 100 : 0);

/** As Python does it: a half goes to the even one. */
const rounded = (value) => (value % 1 === 0.5 && Math.floor(value) % 2 === 0 ? Math.floor(value) : Math.round(value));

/** By style: how dark each pixel of a page is. `alpha` is the subject on it, and `side` the longer one of that. */
const SHADOWS = {
  drop: (alpha, size, box, side) => softened(moved(alpha, size, 0.035 * side), size, 0.018 * side),
  contact(alpha, size, box, side) {
    const wide = softened(foot(alpha, size, box, 0.2), size, 0.045 * side, 0.016 * side);
    const narrow = softened(foot(alpha, size, box, 0.07), size, 0.012 * side, 0.006 * side);
    const [below, near] = [moved(wide, size, 0.022 * side), moved(narrow, size, 0.01 * side)];
    return Uint8ClampedArray.from(below, (level, at) => Math.round(1.1 * level) + Math.round(1.2 * near[at]));
  },
};

function shade(context, placed, layout, shadow, opacity) {
  const { page } = layout;
  const scale = Math.min(1, Math.sqrt(SHADED_PX / (page.width * page.height)));
  const size = { width: Math.round(page.width * scale), height: Math.round(page.height * scale) };
  const box = { top: Math.round(layout.top * scale), height: Math.round(layout.height * scale) };
  const levels = shadow(alphaOf(drawn(placed, size)), size, box, scale * Math.max(layout.width, layout.height));
  context.drawImage(maskOf(levels.map((level) => Math.round(level * opacity)), size), 0, 0, page.width, page.height);
}

/** Lower by so many pixels; what leaves the page is gone. */
function moved(levels, { width }, down) {
  const result = new Uint8Array(levels.length);
  result.set(levels.subarray(0, Math.max(0, levels.length - rounded(down) * width)), rounded(down) * width);
  return result;
}

/** The lowest `part` of the subject's height, fading upwards. */
function foot(alpha, { width }, { top, height }, part) {
  const result = new Uint8Array(alpha.length);
  const rows = Math.max(1, rounded(part * height));
  const first = top + height - rows;
  const ramp = rampOf(rows);
  for (let at = Math.max(0, first * width); at < Math.min(alpha.length, (first + rows) * width); at += 1) {
    result[at] = Math.floor((alpha[at] * ramp[Math.floor(at / width) - first]) / 255);
  }
  return result;
}

/** From 0 to 255, as Pillow makes `rows` of 256. */
function rampOf(rows) {
  const scale = 256 / rows;
  const reach = Math.max(1, scale);
  return Array.from({ length: rows }, (_, row) => {
    const middle = (row + 0.5) * scale - 0.5;
    const near = Array.from({ length: 256 }, (__, level) => Math.max(0, 1 - Math.abs(level - middle) / reach));
    return Math.round(near.reduce((sum, weight, level) => sum + weight * level, 0) / near.reduce((sum, weight) => sum + weight));
  });
}
