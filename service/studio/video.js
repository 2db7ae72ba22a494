// The Video tab: a film, what becomes of five of its frames, and then of all.

import { Turns, afterQuiet, byId, clock, moment, onClicks } from "./dom.js";
import { adviceCard } from "./advice.js";
import { Choices } from "./choices.js";
import { readClip } from "./clip.js";
import { FilmJob } from "./film_job.js";
import { filmEffects, filmForm, stillRequest } from "./film_request.js";
import { FilmView } from "./film_view.js";
import { extension, stem, takeFiles } from "./intake.js";
import { Stills } from "./stills.js";

const STILLS = 5;
const QUIET_MS = 400;
const WORDS = { queued: "Waits for its turn", running: "Working…", unreachable: "The service does not answer; the video goes on once it does" };

const part = (name) => byId(`video-${name}`);

export class VideoTab {
  constructor({ films, operations, models }) {
    part("missing").hidden = !films.missing;
    part("drop").hidden = Boolean(films.missing);
    if (films.missing) return;
    this.films = films;
    this.turns = new Turns();
    this.stills = new Stills(part("stills"));
    this.view = new FilmView(part("result"));
    const single = models.filter(({ parts }) => !parts.length);
    this.choices = new Choices(part("choices"), { operations: filmEffects(operations, films), models: single }, afterQuiet(QUIET_MS, () => this.#look()));
    this.#listen();
    const left = FilmJob.remembered();
    if (left) this.#goOn(left);
  }

  async open(file) {
    const signal = this.turns.next();
    this.file = file;
    this.stills.show([]);
    this.view.clear();
    this.#say("");
    part("bench").hidden = part("start").hidden = false;
    part("facts").textContent = file.name;
    await this.#trying(signal, async () => {
      const { seconds, width, height, stills } = await readClip(file, STILLS);
      signal.throwIfAborted();
      part("facts").textContent = `${file.name} · ${moment(seconds, seconds)} · ${width} × ${height}`;
      this.stills.show(stills, seconds);
      await this.#look();
    });
  }

  async #look() {
    const signal = this.turns.next();
    await this.#trying(signal, () => this.stills.make(stillRequest(this.choices, this.films), signal), () => this.#look());
  }

  async #trying(signal, work, again) {
    part("problem").hidden = true;
    part("busy").hidden = false;
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) this.#fail(error, again);
    }
    if (!signal.aborted) part("busy").hidden = true;
  }

  #start() {
    const { file, choices: { request } } = this;
    const name = `${stem(file.name)}-${request.path.slice(1)}`;
    return this.#work("Sending it…", name, (job) => job.make(filmForm(request, file), name), () => this.#start());
  }

  /** With a film that was being made when the page was left. */
  #goOn({ id, name }) {
    part("bench").hidden = false;
    part("facts").textContent = name;
    return this.#work(WORDS.running, name, (job) => job.follow(id), () => part("file").click());
  }

  async #work(words, name, work, again) {
    this.job = new FilmJob((progress) => this.#showProgress(progress));
    this.view.clear();
    part("problem").hidden = true;
    this.#showRunning(true);
    this.#say(words);
    try {
      const { blob, notes } = await work(this.job);
      this.#say("Done");
      this.view.show(blob, `${name}.${extension(blob.type)}`, notes);
    } catch (error) {
      this.#say(error.name === "AbortError" ? "Called off: nothing of it is kept" : "");
      if (error.name !== "AbortError") this.#fail(error, again);
    }
    this.job = null;
    this.#showRunning(false);
  }

  #showProgress({ state, done, total, rate }) {
    this.#say(WORDS[state]);
    if (total) Object.assign(part("progress"), { max: total, value: done });
    part("figures").textContent = state === "running" ? [
      total ? `${done} of ${total} frames` : `${done} frames`,
      ...(rate ? [`${rate.toFixed(1)} a second`] : []),
      ...(rate && total ? [`${clock((total - done) / rate)} left`] : []),
    ].join(" · ") : "";
  }

  #showRunning(isRunning) {
    part("start").hidden = isRunning || !this.file;
    part("file").disabled = isRunning;
    for (const name of ["cancel", "progress", "figures"]) part(name).hidden = !isRunning;
    part("progress").removeAttribute("value"); // until somebody knows how far it is
    part("figures").textContent = "";
  }

  /** It is read aloud whenever it is written. */
  #say(text) {
    const state = part("state");
    if (state.textContent !== text) state.textContent = text;
  }

  #fail(error, again) {
    const { choices } = this;
    const acts = { again, choose: () => part("file").click(), reset: () => choices.reset(), model: () => choices.useStandardModel() };
    part("problem").replaceChildren(adviceCard(error, acts, "film-advice"));
    part("problem").hidden = false;
  }

  #listen() {
    takeFiles("video", part("drop"), [part("file")], ([file]) => this.open(file));
    onClicks("video", {
      start: () => this.#start(),
      cancel: () => this.job?.cancel().catch((error) => this.#fail(error)),
      compare: () => {
        this.stills.compare(!this.stills.isBefore);
        part("compare").ariaPressed = String(this.stills.isBefore);
      },
    });
  }
}
