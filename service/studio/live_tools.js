// What can be done with the running picture of the Live tab: a snapshot, a film, the whole screen.

import { byId, clock, save } from "./dom.js";

const FRAMES_PER_S = 30;
const CHUNK_MS = 1000;
const LONGEST_S = 600; // a film is held in memory until it ends: about 200 MB
const FILM_TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

export class LiveTools {
  constructor(canvas, stage) {
    this.canvas = canvas;
    this.stage = stage;
    this.recorder = null;
    this.type = FILM_TYPES.find((type) => globalThis.MediaRecorder?.isTypeSupported(type));
    byId("live-record").hidden = !this.type || !canvas.captureStream;
    byId("live-full").hidden = !document.fullscreenEnabled;
    byId("live-snapshot").addEventListener("click", () => this.#takeSnapshot());
    byId("live-record").addEventListener("click", () => (this.recorder ? this.end() : this.#record()));
    byId("live-full").addEventListener("click", () => this.#toggleFull());
    document.addEventListener("fullscreenchange", () => this.#showFull());
    this.#showRecording(null);
  }

  /** Ends the film, if there is one, and offers it: whoever stops the camera wants what was filmed until then. */
  end() {
    this.recorder?.stop();
    if (document.fullscreenElement === this.stage) document.exitFullscreen();
  }

  #takeSnapshot() {
    this.canvas.toBlob((blob) => { if (blob) save(blob, `snapshot-${now()}.png`); }, "image/png");
  }

  #record() {
    const chunks = [];
    const stream = this.canvas.captureStream(FRAMES_PER_S);
    const recorder = new MediaRecorder(stream, { mimeType: this.type });
    let seconds = 0;
    recorder.addEventListener("dataavailable", ({ data }) => {
      if (data.size) chunks.push(data);
      seconds += CHUNK_MS / 1000;
      if (recorder.state !== "recording") return;
      if (seconds >= LONGEST_S) recorder.stop();
      else this.#showRecording(seconds);
    });
    recorder.addEventListener("stop", () => {
      for (const track of stream.getTracks()) track.stop();
      this.recorder = null;
      this.#showRecording(null);
      const type = this.type.split(";")[0];
      if (chunks.length) save(new Blob(chunks, { type }), `film-${now()}.${type.split("/")[1]}`);
    });
    this.recorder = recorder;
    recorder.start(CHUNK_MS);
    this.#showRecording(0);
  }

  #showRecording(seconds) {
    const button = byId("live-record");
    const isRecording = seconds !== null;
    button.setAttribute("aria-pressed", String(isRecording));
    button.textContent = isRecording ? `Stop recording ${clock(seconds)}` : "Record";
  }

  async #toggleFull() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.stage.requestFullscreen();
  }

  #showFull() {
    byId("live-full").setAttribute("aria-pressed", String(document.fullscreenElement === this.stage));
  }
}

/** For the name of a file: sorts by time, and holds nothing that a file system refuses. */
const now = () => new Date().toISOString().slice(0, 19).replaceAll(":", "-");
