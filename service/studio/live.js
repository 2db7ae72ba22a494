// The Live tab: a camera, the service's mattes of its frames, and another background on a canvas.

import { afterQuiet, byId, make, pause, problemCard } from "./dom.js";
import { Problem } from "./service.js";
import { Choices } from "./choices.js";
import { closeVideo, eachFrame, openCamera, openFile } from "./camera.js";
import { Compositor } from "./compositor.js";
import { Frames } from "./frames.js";
import { Gauges } from "./gauges.js";
import { LiveSettings } from "./live_settings.js";
import { LiveTools } from "./live_tools.js";
import { Stream } from "./stream.js";

const QUIET_MS = 120;
const FIRST_MODEL = "selfie";
const COMPOSED_HERE = ["strength", "saturation"];
const NOT_LIVE = ["output", "crop", "margin"];
const DEFAULT_STRENGTH = 0.25;
const SENT_LARGER = 1.5; // than what the network looks at: room for its own resizing, and a third of the bytes
const MOST_WAITING_BYTES = 200_000;
const LARGEST_SIDE_PX = 1280; // of what is shown, and of a background picture
const WAITS_S = [1, 2, 3, 5];

/** Closed for good until something changes: what was asked for is wrong, not the moment. */
const LASTING_CODES = [4400, 4403, 4404, 4413, 4422];

export class LiveTab {
  constructor({ operations, models }) {
    const effects = operations.filter(({ isLive }) => isLive);
    this.settings = new LiveSettings(byId("live-settings"), afterQuiet(QUIET_MS, () => this.#settingsChanged()), () => this.#restart());
    this.choices = new Choices(byId("live-choices"), { operations: effects, models: sortedFor(models) }, afterQuiet(QUIET_MS, () => this.#changed()), {
      accepts: (operation, option) => this.#accepts(option),
      first: "/replace-background",
    });
    this.compositor = new Compositor(byId("live-canvas"));
    this.tools = new LiveTools(byId("live-canvas"), byId("live-stage"));
    this.gauges = new Gauges(byId("live-gauges"));
    this.frames = new Frames();
    this.open = null; // how to open the video again
    this.failures = 0;
    document.addEventListener("visibilitychange", () => this.#pauseOrResume());
    byId("live-start").addEventListener("click", () => this.start(() => openCamera(this.settings.videoWish)));
    byId("live-stop").addEventListener("click", () => this.stop());
    byId("live-file").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      if (file) this.start(() => openFile(file));
    });
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
    this.#note(null);
    try {
      const video = await open();
      if (signal.aborted) { closeVideo(video); return; }
      this.video = video;
    } catch (problem) {
      this.#note(problem, make("button", { class: "button", type: "button", text: "Try again", onclick: () => this.start(open) }));
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

  /** A browser draws no frames for a window that nobody sees: the session's place is free for others until then. */
  #pauseOrResume() {
    if (!this.video) return;
    if (!document.hidden) { this.#connect(); return; }
    this.stream?.close();
    this.stream = null;
  }

  #restart() {
    if (this.video && this.open) this.start(this.open);
  }

  async #connect() {
    this.stream?.close();
    this.frames.forget();
    await this.#readLook();
    this.stream?.close(); // another change may have connected meanwhile
    const { video, choices, settings } = this;
    if (!video) return;
    this.keep = within({ width: video.videoWidth, height: video.videoHeight }, LARGEST_SIDE_PX);
    this.send = settings.output === "matte" ? within(this.keep, usefulSide(choices.model)) : this.keep;
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

  /** What a running session can be told anew. */
  #wish() {
    const { request } = this.choices;
    const options = Object.fromEntries(request.fields.filter(([name]) => name !== "model").map(([name, value]) => [name, typed(value)]));
    return { effect: request.path.slice(1), options, output: this.settings.output, smoothing: this.settings.smoothing };
  }

  /** What a session cannot change. */
  #sessionKey = () => `${this.choices.model.name} ${this.settings.output}`;

  /** How the page composes, decoded once. */
  async #readLook() {
    const { request, operation } = this.choices;
    const chosen = Object.fromEntries(request.fields);
    const [, file] = request.files[0] ?? [];
    const picture = file ? await createImageBitmap(file).catch(() => null) : null;
    const standard = (name) => operation.options.find((option) => option.name === name)?.schema.default;
    this.look = {
      effect: request.path.slice(1),
      color: chosen.color ?? "#000000",
      picture,
      strength: Number(chosen.strength ?? standard("strength") ?? DEFAULT_STRENGTH),
      saturation: Number(chosen.saturation ?? standard("saturation") ?? 0),
    };
  }

  async #ready() {
    this.failures = 0;
    this.#note(null);
    await this.#sendBackground();
    if (JSON.stringify(this.#wish()) !== this.told) this.stream?.update(this.#wish()); // chosen while it was being opened
  }

  async #sendBackground() {
    const { picture } = this.look;
    if (this.settings.output === "matte" || !picture) return;
    this.stream.sendBackground("jpeg", await jpegOf(picture));
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
    const composite = parts.find(({ kind }) => kind === "composite");
    const picture = composite ? await createImageBitmap(new Blob([composite.content], { type: `image/${composite.format}` })) : null;
    const matte = parts.find(({ kind }) => kind === "matte");
    if (!this.stream) return;
    if (this.isPassing) this.#note(null);
    this.frames.use(header.seq, ({ canvas, takenMs }) => {
      if (picture) this.compositor.show(picture);
      else if (matte) this.compositor.compose(canvas, matte, this.look);
      this.gauges.add(performance.now(), performance.now() - takenMs, header);
    });
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
    const again = make("button", { class: "button", type: "button", text: "Try again", onclick: () => this.#connect() });
    if (LASTING_CODES.includes(code)) this.#note(problem, again);
    else this.#comeBack(problem);
  }

  async #comeBack(problem) {
    const signal = this.running?.signal;
    const waitS = problem.retryAfterS ?? WAITS_S[Math.min(this.failures, WAITS_S.length - 1)];
    this.failures += 1;
    for (let left = waitS; left > 0; left -= 1) {
      this.#note(problem, make("p", { class: "small", text: `Trying again in ${left} s` }));
      await pause(1000);
      if (!signal || signal.aborted || this.stream || document.hidden) return;
    }
    await this.#connect();
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
    if (this.offered !== this.settings.output) this.choices.refresh();
    this.offered = this.settings.output;
    this.#changed();
  }

  #accepts(option) {
    if (option.isForm || NOT_LIVE.includes(option.name)) return false;
    return this.settings.output !== "matte" || COMPOSED_HERE.includes(option.name);
  }

  #showRunning(isRunning) {
    byId("live-empty").hidden = isRunning;
    byId("live-canvas").hidden = !isRunning;
    byId("live-tools").hidden = !isRunning;
  }

  #note(problem, more = null) {
    const note = byId("live-note");
    note.hidden = !problem;
    this.isPassing = false;
    if (!problem) return;
    const shown = problem instanceof Problem ? problem : new Problem({ title: "The page failed", detail: String(problem), code: "page" });
    const card = problemCard(shown);
    if (more) card.append(more);
    note.replaceChildren(card);
  }
}

/** The model for video first; without those that are two, as a frame is shown to one. */
const sortedFor = (models) => models.filter(({ parts }) => !parts.length).sort((one, other) => (other.name === FIRST_MODEL) - (one.name === FIRST_MODEL));

/** Any picture that this browser can read, as the service takes it: no larger than a camera's. */
async function jpegOf(picture) {
  const { width, height } = within(picture, LARGEST_SIDE_PX);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
  return (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 })).arrayBuffer();
}

/** As large as the network can use. */
const usefulSide = (model) => SENT_LARGER * Math.max(model.input_width, model.input_height);

/** The same shape, its longer side no longer than `longest` pixels. */
function within({ width, height }, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** Options are text in a form, and numbers and booleans in JSON. */
function typed(value) {
  if (value === "true" || value === "false") return value === "true";
  return value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
}
