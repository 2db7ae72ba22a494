// Two pictures on one canvas, with a curtain between them: before on the left, after on the right. Zooms and moves about.

import { checkerboard } from "./pixels.js";

const LARGEST_ZOOM = 32;
const SHARP_FROM = 2; // screen pixels a picture pixel: from here on they are shown as the squares they are
const VEIL = "#ffffffb8";
const STEP = 1.5;
const PAN_STEP_PX = 40;
const CURTAIN_STEPS = 1000;
const CURTAIN_ROD_PX = 44;

export class Viewer {
  /** `onPoint(x, y, event)` is in picture pixels. */
  constructor(canvas, curtain, { onPoint, onZoom }) {
    Object.assign(this, { canvas, curtain, onPoint, onZoom, before: null, after: null, shade: null, isBeforeOnly: false });
    this.context = canvas.getContext("2d");
    this.board = this.context.createPattern(checkerboard(), "repeat");
    this.tool = null; // {down(x, y), move(x, y), up(), cancel(), paint(context, scale)}, in picture pixels
    this.view = null; // null: the whole picture
    this.pointers = new Map();
    new ResizeObserver(() => this.draw()).observe(canvas);
    curtain.addEventListener("input", () => this.draw());
    this.#listen();
  }

  /** The view stays where it was if they are as large as the last. */
  show(before, after) {
    const last = this.picture;
    Object.assign(this, { before, after });
    const now = this.picture;
    if (last?.width !== now?.width || last?.height !== now?.height) this.view = null;
    this.draw();
  }

  get picture() { return this.isBeforeOnly && this.before ? this.before : this.after ?? this.before; }

  /** A curtain makes sense between pictures of one size. It would be in a tool's way. */
  get canCompare() {
    const { before, after } = this;
    if (this.tool || this.isBeforeOnly || !before || !after) return false;
    return before.width === after.width && before.height === after.height;
  }

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

  /** Around a point of the canvas, in its own pixels. */
  zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const now = this.#view();
    const least = this.#fitted().scale;
    const scale = Math.min(LARGEST_ZOOM, Math.max(least, now.scale * factor));
    const ratio = scale / now.scale;
    this.view = scale <= least ? null : { scale, left: x - (x - now.left) * ratio, top: y - (y - now.top) * ratio };
    this.draw();
  }

  zoomToPixels() { this.zoom((8 * devicePixelRatio) / this.#view().scale); }

  draw() {
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.curtain.hidden = !this.canCompare;
    if (!canvas.clientWidth) return;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * devicePixelRatio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    if (!this.picture) return;
    const view = this.#view();
    const box = this.#visible(view);
    const edge = this.#placeCurtain(box);
    context.imageSmoothingEnabled = view.scale < SHARP_FROM;
    context.imageSmoothingQuality = "high";
    if (this.canCompare) this.#drawPart(this.before, view, box.left, edge);
    this.#drawPart(this.picture, view, edge, box.right);
    if (this.tool) this.#drawTool(view);
    canvas.classList.toggle("grab", this.view !== null);
    this.onZoom(view.scale / devicePixelRatio);
  }

  #drawPart(picture, view, left, right) {
    if (right <= left) return;
    const { context } = this;
    const box = [view.left, view.top, picture.width * view.scale, picture.height * view.scale];
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, this.canvas.height);
    context.clip();
    this.#fill(this.board, box);
    if (this.tool?.subject) this.#drawForTool(box);
    else context.drawImage(picture, ...box);
    if (this.shade) context.drawImage(this.shade, ...box);
    context.restore();
  }

  /** The subject before a pale photo: what was lost can be found, and painted over. */
  #drawForTool(box) {
    this.context.drawImage(this.before, ...box);
    this.#fill(VEIL, box);
    this.context.drawImage(this.tool.subject, ...box);
  }

  #fill(style, box) {
    this.context.fillStyle = style;
    this.context.fillRect(...box);
  }

  #drawTool({ scale, left, top }) {
    this.context.setTransform(scale, 0, 0, scale, left, top);
    this.tool.paint(this.context, scale / devicePixelRatio);
    this.context.setTransform(1, 0, 0, 1, 0, 0);
  }

  #fitted() {
    const { canvas, picture } = this;
    const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height, SHARP_FROM * devicePixelRatio);
    return { scale, left: (canvas.width - picture.width * scale) / 2, top: (canvas.height - picture.height * scale) / 2 };
  }

  #view() {
    const { view, picture, canvas } = this;
    if (!view) return this.#fitted();
    const within = (offset, side, room) => (side <= room ? (room - side) / 2 : Math.min(0, Math.max(room - side, offset)));
    view.left = within(view.left, picture.width * view.scale, canvas.width);
    view.top = within(view.top, picture.height * view.scale, canvas.height);
    return view;
  }

  /** The part of the canvas that the picture covers, in its pixels. */
  #visible({ left, top, scale }) {
    const { canvas: { width, height }, picture } = this;
    const [right, bottom] = [left + picture.width * scale, top + picture.height * scale];
    return { left: Math.max(0, left), top: Math.max(0, top), right: Math.min(width, right), bottom: Math.min(height, bottom) };
  }

  /** Over what is to be seen of the picture. Returns where it hangs, in canvas pixels. */
  #placeCurtain({ left, top, right, bottom }) {
    const { curtain, canvas } = this;
    const cssOf = (px) => `${px / devicePixelRatio}px`;
    // For what is written into the corners, and lies over the picture.
    const insets = { left, right: canvas.width - right, top, bottom: canvas.height - bottom };
    for (const [side, px] of Object.entries(insets)) canvas.parentElement.style.setProperty(`--picture-${side}`, cssOf(px));
    if (!this.canCompare) return left;
    // A thumb stays inside its track: half of it hangs over on both sides.
    const rod = CURTAIN_ROD_PX * devicePixelRatio;
    const box = { left: left - rod / 2, top, width: right - left + rod, height: bottom - top };
    for (const [side, px] of Object.entries(box)) curtain.style[side] = cssOf(px);
    return Math.round(left + ((right - left) * curtain.valueAsNumber) / CURTAIN_STEPS);
  }

  #toCanvas(event) {
    const bounds = this.canvas.getBoundingClientRect();
    return [(event.clientX - bounds.left) * devicePixelRatio, (event.clientY - bounds.top) * devicePixelRatio];
  }

  #toPicture(event) {
    const [x, y] = this.#toCanvas(event);
    const { scale, left, top } = this.#view();
    return [(x - left) / scale, (y - top) / scale];
  }

  #listen() {
    const listeners = {
      pointerdown: (event) => this.#down(event),
      pointermove: (event) => this.#move(event),
      pointerup: (event) => this.#lift(event, "up"),
      pointercancel: (event) => this.#lift(event, "cancel"),
      pointerleave: (event) => this.onPoint(-1, -1, event),
      dblclick: (event) => this.tool || this.zoom(STEP * STEP, ...this.#toCanvas(event)),
      wheel: (event) => this.#wheel(event),
      keydown: (event) => this.#key(event),
    };
    for (const [name, listener] of Object.entries(listeners)) this.canvas.addEventListener(name, listener, { passive: false });
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
    const before = this.#spread();
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 2) this.zoom(this.#spread() / before, ...this.#toCanvas(event));
    else this.#pan((event.clientX - last.x) * devicePixelRatio, (event.clientY - last.y) * devicePixelRatio);
  }

  #lift({ pointerId }, end) {
    this.pointers.delete(pointerId);
    if (this.isPainting) this.tool[end]();
    this.isPainting = false;
  }

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
    const acts = {
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
    if (!acts[event.key] || !this.picture) return;
    event.preventDefault();
    acts[event.key]();
  }
}
