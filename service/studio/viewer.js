// Two pictures of the same thing on one canvas, with a curtain between them: before on the left, after on the right.
// Zooms to single pixels and moves about.

import { checkerboard } from "./board.js";

const LARGEST_ZOOM = 32;
const SHARP_FROM = 2; // screen pixels a picture pixel: from here on they are shown as the squares they are
const VEIL = "#ffffffb8";
const STEP = 1.5;
const PAN_STEP_PX = 40;
const CURTAIN_STEPS = 1000;

export class Viewer {
  /** `onPoint(x, y, event)` hears of the pointer in picture pixels, `onZoom(scale)` of zooms. */
  constructor(canvas, curtain, { onPoint, onZoom }) {
    Object.assign(this, { canvas, curtain, onPoint, onZoom });
    this.context = canvas.getContext("2d");
    this.before = null;
    this.after = null;
    this.shade = null;
    this.tool = null; // {down(x, y), move(x, y), up(), cancel(), paint(context, scale)}, in picture pixels
    this.isBeforeOnly = false;
    this.view = null; // null: the whole picture
    this.pointers = new Map();
    this.board = checkerboard();
    new ResizeObserver(() => this.draw()).observe(canvas);
    curtain.addEventListener("input", () => this.draw());
    this.#listen();
  }

  /** Shows two pictures (ImageBitmap, or null); the view stays where it was if they are as large as the last. */
  show(before, after) {
    const last = this.picture;
    this.before = before;
    this.after = after;
    const now = this.picture;
    if (!last || !now || last.width !== now.width || last.height !== now.height) this.fit();
    this.draw();
  }

  get picture() { return this.isBeforeOnly && this.before ? this.before : this.after ?? this.before; }

  /** Whether there are two pictures of one size, so that a curtain makes sense. It would be in a tool's way. */
  get canCompare() {
    const { before, after } = this;
    if (this.tool || this.isBeforeOnly) return false;
    return Boolean(before && after && before.width === after.width && before.height === after.height);
  }

  /** A tool in the hand (null: none); the curtain would be in its way. */
  take(tool) {
    if (tool === this.tool) return;
    this.tool = tool;
    this.canvas.classList.toggle("paint", Boolean(tool));
    this.onPoint(-1, -1);
    this.draw();
  }

  fit() {
    this.view = null;
    this.draw();
  }

  /** Zooms around a point of the canvas, in its own pixels; its middle where none is given. */
  zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const now = this.#view();
    const scale = Math.min(LARGEST_ZOOM, Math.max(this.#fitted().scale, now.scale * factor));
    const ratio = scale / now.scale;
    this.view = scale <= this.#fitted().scale ? null : { scale, left: x - (x - now.left) * ratio, top: y - (y - now.top) * ratio };
    this.draw();
  }

  /** Eight screen pixels for each of the picture's. */
  zoomToPixels() {
    this.zoom((8 * devicePixelRatio) / this.#view().scale);
  }

  draw() {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.canvas.clientWidth) return;
    this.#measure();
    this.curtain.hidden = !this.canCompare;
    if (!this.picture) return;
    const view = this.#view();
    const box = this.#visible(view);
    const edge = this.#placeCurtain(box);
    context.imageSmoothingEnabled = view.scale < SHARP_FROM;
    context.imageSmoothingQuality = "high";
    if (this.canCompare) this.#drawPart(this.before, view, box.left, edge);
    this.#drawPart(this.picture, view, edge, box.right);
    if (this.tool) this.#drawTool(view);
    this.canvas.classList.toggle("grab", this.view !== null);
    this.onZoom(view.scale / devicePixelRatio);
  }

  #drawPart(picture, view, left, right) {
    const { context, canvas } = this;
    if (right <= left) return;
    const [width, height] = [picture.width * view.scale, picture.height * view.scale];
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, canvas.height);
    context.clip();
    context.fillStyle = context.createPattern(this.board, "repeat");
    context.fillRect(view.left, view.top, width, height);
    if (this.tool?.subject) this.#drawForTool(view.left, view.top, width, height);
    else context.drawImage(picture, view.left, view.top, width, height);
    if (this.shade) context.drawImage(this.shade, view.left, view.top, width, height);
    context.restore();
  }

  /** The subject before a pale photo: what was lost can be found, and painted over. */
  #drawForTool(...box) {
    const { context } = this;
    context.drawImage(this.before, ...box);
    context.fillStyle = VEIL;
    context.fillRect(...box);
    context.drawImage(this.tool.subject, ...box);
  }

  #drawTool(view) {
    const { context, tool } = this;
    context.setTransform(view.scale, 0, 0, view.scale, view.left, view.top);
    tool.paint(context, view.scale / devicePixelRatio);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  #measure() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * devicePixelRatio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  }

  #fitted() {
    const { canvas, picture } = this;
    const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height, SHARP_FROM * devicePixelRatio);
    return { scale, left: (canvas.width - picture.width * scale) / 2, top: (canvas.height - picture.height * scale) / 2 };
  }

  #view() {
    if (!this.view) return this.#fitted();
    const { scale } = this.view;
    const within = (offset, side, room) => (side <= room ? (room - side) / 2 : Math.min(0, Math.max(room - side, offset)));
    this.view.left = within(this.view.left, this.picture.width * scale, this.canvas.width);
    this.view.top = within(this.view.top, this.picture.height * scale, this.canvas.height);
    return this.view;
  }

  /** The part of the canvas that the picture covers, in its pixels. */
  #visible({ left, top, scale }) {
    const { canvas, picture } = this;
    return {
      left: Math.max(0, left),
      top: Math.max(0, top),
      right: Math.min(canvas.width, left + picture.width * scale),
      bottom: Math.min(canvas.height, top + picture.height * scale),
    };
  }

  /** The curtain covers what is to be seen of the picture. Returns where it hangs, in canvas pixels. */
  #placeCurtain({ left, top, right, bottom }) {
    const { curtain, canvas } = this;
    const { style } = canvas.parentElement; // for what is written into the corners, and lies over the picture
    style.setProperty("--picture-left", `${left / devicePixelRatio}px`);
    style.setProperty("--picture-right", `${(canvas.width - right) / devicePixelRatio}px`);
    style.setProperty("--picture-top", `${top / devicePixelRatio}px`);
    style.setProperty("--picture-bottom", `${(canvas.height - bottom) / devicePixelRatio}px`);
    if (!this.canCompare) return left;
    // A thumb of 44 px stays inside its track: half of it hangs over on both sides.
    place(curtain, { left: left / devicePixelRatio - 22, top: top / devicePixelRatio, width: (right - left) / devicePixelRatio + 44, height: (bottom - top) / devicePixelRatio });
    return Math.round(left + ((right - left) * curtain.valueAsNumber) / CURTAIN_STEPS);
  }

  #toCanvas(event) {
    const bounds = this.canvas.getBoundingClientRect();
    return [(event.clientX - bounds.left) * devicePixelRatio, (event.clientY - bounds.top) * devicePixelRatio];
  }

  #toPicture(event) {
    const [x, y] = this.#toCanvas(event);
    const view = this.#view();
    return [(x - view.left) / view.scale, (y - view.top) / view.scale];
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("pointerleave", (event) => this.onPoint(-1, -1, event));
    canvas.addEventListener("dblclick", (event) => this.tool || this.zoom(STEP * STEP, ...this.#toCanvas(event)));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The first finger, or the left button, is the tool's; a second finger, or another button, moves the picture. */
  #down(event) {
    if (event.button === 2) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const isTools = this.tool && this.picture && event.button === 0 && this.pointers.size === 1;
    if (this.isPainting && !isTools) this.tool.cancel();
    this.isPainting = isTools;
    if (isTools) this.tool.down(...this.#toPicture(event));
  }

  #move(event) {
    const last = this.pointers.get(event.pointerId);
    if (this.tool && this.picture) this.tool.move(...this.#toPicture(event));
    if (this.isPainting || (this.tool && !last)) return;
    if (!last) {
      if (this.picture) this.onPoint(...this.#toPicture(event), event);
      return;
    }
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    const before = this.#spread();
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 2) this.zoom(this.#spread() / before, ...this.#toCanvas(event));
    else if (this.view) this.#pan(dx * devicePixelRatio, dy * devicePixelRatio);
  }

  #up(event) {
    this.pointers.delete(event.pointerId);
    if (this.isPainting) this.tool.up();
    this.isPainting = false;
  }

  #cancel(event) {
    this.pointers.delete(event.pointerId);
    if (this.isPainting) this.tool.cancel();
    this.isPainting = false;
  }

  /** How far apart two fingers are. */
  #spread() {
    const [one, other] = [...this.pointers.values()];
    return other ? Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)) : 1;
  }

  #pan(dx, dy) {
    if (!this.view) return;
    this.view.left += dx;
    this.view.top += dy;
    this.draw();
  }

  /** A plain wheel scrolls the page; with Ctrl, which is also what a pinch on a touchpad sends, it zooms. */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 200), ...this.#toCanvas(event));
  }

  #key(event) {
    const act = this.#keys()[event.key];
    if (!act || !this.picture) return;
    event.preventDefault();
    act();
  }

  #keys() {
    return {
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.fit(),
      1: () => this.zoomToPixels(),
      ArrowLeft: () => this.#pan(PAN_STEP_PX, 0),
      ArrowRight: () => this.#pan(-PAN_STEP_PX, 0),
      ArrowUp: () => this.#pan(0, PAN_STEP_PX),
      ArrowDown: () => this.#pan(0, -PAN_STEP_PX),
    };
  }
}

function place(element, box) {
  for (const [side, px] of Object.entries(box)) element.style[side] = `${px}px`;
}
