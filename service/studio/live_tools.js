// What can be done with the running picture of the Live tab: a snapshot, a film, the whole screen.

import { byId, clock, make, onClicks, save } from "./dom.js";
import { FilmView } from "./film_view.js";

const FRAMES_PER_S = 30;
const LONGEST_S = 600; // a film is held in memory until it ends: about 200 MB
const FILM_TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

const part = (name) => byId(`live-${name}`);

export class LiveTools {
  constructor(canvas, stage) {
    Object.assign(this, { canvas, stage, recorder: null });
    this.type = FILM_TYPES.find((type) => globalThis.MediaRecorder?.isTypeSupported(type));
    part("record").hidden = !this.type || !canvas.captureStream;
    part("full").hidden = !document.fullscreenEnabled;
    onClicks("live", {
      snapshot: () => canvas.toBlob((blob) => { if (blob) save(blob, `snapshot-${now()}.png`); }),
      record: () => (this.recorder ? this.end() : this.#record()),
      full: () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen()),
    });
    document.addEventListener("fullscreenchange", () => { part("full").ariaPressed = String(document.fullscreenElement === stage); });
  }

  /** Ends the film, if there is one, and shows it: whoever stops the camera wants what was filmed until then. */
  end() {
    this.recorder?.stop();
    if (document.fullscreenElement === this.stage) document.exitFullscreen();
  }

  #record() {
    const chunks = [];
    const stream = this.canvas.captureStream(FRAMES_PER_S);
    const recorder = this.recorder = new MediaRecorder(stream, { mimeType: this.type });
    let seconds = 0;
    recorder.ondataavailable = ({ data }) => {
      if (data.size) chunks.push(data);
      seconds += 1;
      if (recorder.state !== "recording") return;
      if (seconds >= LONGEST_S) recorder.stop();
      else this.#showRecording(seconds);
    };
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      this.recorder = null;
      this.#showRecording(null);
      const [type] = this.type.split(";");
      if (chunks.length) showTake(new Blob(chunks, { type }), `film-${now()}.${type.split("/")[1]}`);
    };
    recorder.start(1000);
    this.#showRecording(0);
  }

  #showRecording(seconds) {
    const record = part("record");
    record.ariaPressed = String(seconds !== null);
    record.textContent = seconds === null ? "Record" : `Stop recording ${clock(seconds)}`;
  }
}

/** The latest first: a new one takes nothing away. */
function showTake(blob, name) {
  const root = make("div", { class: "film" });
  part("takes").prepend(root);
  new FilmView(root).show(blob, name);
}

/** For the name of a file: sorts by time, and holds nothing that a file system refuses. */
const now = () => new Date().toISOString().slice(0, 19).replaceAll(":", "-");
