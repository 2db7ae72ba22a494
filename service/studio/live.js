// The Live tab: a camera, the service's mattes of its frames, and another background on a canvas.

import { adviceCard } from "./advice.js";
import { afterQuiet, byId, countDown, make, onClicks } from "./dom.js";
import { Choices } from "./choices.js";
import { closeVideo, eachFrame, openCamera, openFile } from "./camera.js";
import { compose, masked } from "./composition.js";
import { Frames } from "./frames.js";
import { Gauges } from "./gauges.js";
import { takeFiles } from "./intake.js";
import { LiveSettings } from "./live_settings.js";
import { LiveTools } from "./live_tools.js";
import { bitmapOf, checkerboard, drawn, fill, fileOf, maskOf, within } from "./pixels.js";
import { Stream } from "./stream.js";

const QUIET_MS = 120;
const FIRST_MODEL = "selfie";
const COMPOSED_HERE = ["strength", "saturation"];
const NOT_LIVE = ["output", "crop", "margin"];
const BLURRED_PX = 20_000; // of a frame: what is lost would be blurred away
const SENT_LARGER = 1.5; // than what the network looks at: room for its own resizing, and a third of the bytes
const MOST_WAITING_BYTES = 200_000;
const LARGEST_SIDE_PX = 1280; // of what is shown, and of a background picture
const WAITS_S = [1, 2, 3, 5];

/** Closed for good until something changes: what was asked for is wrong, not the moment. */
const LASTING_CODES = [4400, 4403, 4404, 4413, 4422];

const part = (name) => byId(`live-${name}`);

export class LiveTab {
  constructor({ operations, models }) {
    this.settings = new LiveSettings(part("settings"), afterQuiet(QUIET_MS, () => this.#settingsChanged()), () => this.#restart());
    this.choices = new Choices(part("choices"), { operations: operations.filter(({ isLive }) => isLive), models: sortedFor(models) }, afterQuiet(QUIET_MS, () => this.#changed()), {
      accepts: (operation, option) => this.#accepts(option),
      first: "/replace-background",
    });
    this.context = part("canvas").getContext("2d");
    this.tools = new LiveTools(part("canvas"), part("stage"));
    this.gauges = new Gauges(byId("live"));
    this.frames = new Frames();
    this.failures = 0;
    document.addEventListener("visibilitychange", () => this.#pauseOrResume());
    onClicks("live", { start: () => this.start(() => openCamera(this.settings.videoWish)), stop: () => this.stop() });
    takeFiles("live", part("stage"), [part("file")], ([file]) => this.start(() => openFile(file)));
  }

  /** A tab that nobody looks at sends nothing. */
  setVisible(isVisible) {
    if (!isVisible && this.video) this.stop();
  }

  async start(open) {
    this.stop();
    this.open = open;
    this.running = new AbortController();
    const { signal } = this.running;
    try {
      const video = await open();
      if (signal.aborted) { closeVideo(video); return; }
      this.video = video;
    } catch (problem) {
      this.#note(problem, { again: () => this.start(open) });
      return;
    }
    this.settings.listCameras();
    this.#showRunning(true);
    this.failures = 0;
    await this.#connect();
    eachFrame(this.video, signal, () => this.#send(signal));
  }

  stop() {
    this.tools.end();
    this.running?.abort();
    this.stream?.close();
    if (this.video) closeVideo(this.video);
    Object.assign(this, { running: null, stream: null, video: null });
    this.frames.forget();
    this.gauges.reset();
    this.#note(null);
    this.#showRunning(false);
  }

  /** A browser draws no frames for a window that nobody sees: others may have the session's place. */
  #pauseOrResume() {
    if (!this.video) return;
    if (!document.hidden) { this.#connect(); return; }
    this.stream?.close();
    this.stream = null;
  }

  #restart() {
    if (this.video) this.start(this.open);
  }

  async #connect() {
    this.stream?.close();
    this.frames.forget();
    await this.#readLook();
    this.stream?.close(); // another change may have connected meanwhile
    const { video, choices, settings } = this;
    if (!video) return;
    this.keep = within({ width: video.videoWidth, height: video.videoHeight }, LARGEST_SIDE_PX);
    const usefulPx = SENT_LARGER * Math.max(choices.model.input_width, choices.model.input_height);
    this.send = settings.output === "matte" ? within(this.keep, usefulPx) : this.keep;
    this.connectedAs = this.#sessionKey();
    const wish = this.#wish();
    this.told = JSON.stringify(wish);
    this.stream = new Stream({ model: choices.model.name, ...wish, ...this.send }, {
      ready: () => this.#ready(),
      result: (header, parts) => this.#result(header, parts),
      problem: (problem, seq) => this.#problem(problem, seq),
      closed: (problem, code) => this.#closed(problem, code),
    });
  }

  #wish() {
    const { request } = this.choices;
    const options = Object.fromEntries(request.fields.filter(([name]) => name !== "model").map(([name, value]) => [name, typed(value)]));
    return { effect: request.path.slice(1), options, output: this.settings.output, smoothing: this.settings.smoothing };
  }

  /** What a session cannot change. */
  #sessionKey = () => `${this.choices.model.name} ${this.settings.output}`;

  async #readLook() {
    const { request } = this.choices;
    const [, file] = request.files[0] ?? [];
    this.look = { request, standard: this.choices.standard, backdrop: file ? await bitmapOf(file) : null, blurredPx: BLURRED_PX };
  }

  async #ready() {
    this.failures = 0;
    this.#note(null);
    await this.#sendBackground();
    if (JSON.stringify(this.#wish()) !== this.told) this.stream?.update(this.#wish()); // chosen while it was being opened
  }

  /** No larger than a camera's picture. */
  async #sendBackground() {
    const { backdrop } = this.look;
    if (this.settings.output === "matte" || !backdrop) return;
    const jpeg = await fileOf(drawn(backdrop, within(backdrop, LARGEST_SIDE_PX)), "background.jpeg", 0.9);
    this.stream.sendBackground("jpeg", await jpeg.arrayBuffer());
  }

  async #send(signal) {
    const { stream, frames, video, settings } = this;
    const nowMs = performance.now();
    if (!stream?.isOpen || stream.waitingBytes > MOST_WAITING_BYTES) return;
    if (!frames.hasRoom(nowMs, 1000 / stream.session.max_fps)) return;
    const { seq, payload } = await frames.take(video, nowMs, this.keep, this.send, settings.isMirrored);
    if (!signal.aborted) stream.sendFrame(seq, nowMs, "jpeg", payload);
  }

  async #result(header, parts) {
    const [composite, matte] = ["composite", "matte"].map((kind) => parts.find((each) => each.kind === kind));
    const picture = composite ? await createImageBitmap(new Blob([composite.content], { type: `image/${composite.format}` })) : null;
    if (!this.stream) return;
    if (this.isPassing) this.#note(null);
    this.frames.use(header.seq, ({ canvas, takenMs }) => {
      this.#draw(picture ?? this.#composed(canvas, matte));
      this.gauges.add(performance.now(), performance.now() - takenMs, header);
    });
  }

  /** `matte` has 8 bits a pixel, and covers the whole frame. */
  #composed(photo, matte) {
    return compose(this.look.request, { ...this.look, photo, subject: masked(photo, maskOf(matte.content, matte)) })?.picture ?? photo;
  }

  #draw(picture) {
    const { canvas } = this.context;
    if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
    fill(this.context, this.board ??= this.context.createPattern(checkerboard(), "repeat"));
    this.context.drawImage(picture, 0, 0);
  }

  #problem(problem, seq) {
    this.#note(problem);
    this.isPassing = seq !== undefined; // the next frame that is well shows that it is over
    if (this.isPassing) this.frames.use(seq, () => {});
  }

  #closed(problem, code) {
    this.stream = null;
    this.frames.forget();
    this.gauges.reset();
    if (LASTING_CODES.includes(code)) this.#note(problem, { again: () => this.#connect() });
    else this.#comeBack(problem);
  }

  async #comeBack(problem) {
    const signal = this.running?.signal;
    const waitS = problem.retryAfterS ?? WAITS_S[Math.min(this.failures, WAITS_S.length - 1)];
    this.failures += 1;
    const isOff = () => !signal || signal.aborted || this.stream || document.hidden;
    const say = (left) => this.#note(problem, {}, make("p", { class: "small", text: `Trying again in ${left} s` }));
    if (await countDown(waitS, isOff, say)) await this.#connect();
  }

  async #changed() {
    if (!this.video) return;
    if (!this.stream || this.connectedAs !== this.#sessionKey()) { await this.#connect(); return; }
    await this.#readLook();
    this.#note(null);
    await this.#sendBackground();
    this.stream?.update(this.#wish());
  }

  #settingsChanged() {
    if (this.offered !== this.settings.output) this.choices.showOptions();
    this.offered = this.settings.output;
    this.#changed();
  }

  #accepts({ isForm, name }) {
    return !isForm && !NOT_LIVE.includes(name) && (this.settings.output !== "matte" || COMPOSED_HERE.includes(name));
  }

  #showRunning(isRunning) {
    part("empty").hidden = isRunning;
    part("canvas").hidden = part("tools").hidden = !isRunning;
  }

  #note(problem, acts = {}, more = "") {
    part("note").hidden = !problem;
    this.isPassing = false;
    if (!problem) return;
    const card = adviceCard(problem, acts, "live-advice");
    card.append(more);
    part("note").replaceChildren(card);
  }
}

/** The model for video first; a frame is not shown to two. */
const sortedFor = (models) => models.filter(({ parts }) => !parts.length).sort((one, other) => (other.name === FIRST_MODEL) - (one.name === FIRST_MODEL));

/** Options are text in a form, and numbers and booleans in JSON. */
function typed(value) {
  if (value === "true" || value === "false") return value === "true";
  return value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
}
