// What was done to one photo, step by step, there and back again.

import { byId, onClicks } from "./dom.js";

export class Undo {
  constructor() { Object.assign(this, { past: [], future: [] }); }

  /** Remembers a step that was just taken: `undo` takes it back, `redo` takes it once more. */
  did(undo, redo) {
    this.past.push({ undo, redo });
    this.future = [];
  }

  undo() { step(this.past, this.future, "undo"); }

  redo() { step(this.future, this.past, "redo"); }
}

function step(from, to, way) {
  const taken = from.pop();
  if (!taken) return;
  to.push(taken);
  taken[way]();
}

/** The buttons, and Ctrl Z and its like wherever nobody writes, for what `undoOf()` remembers; `isWanted()` says when. */
export class UndoButtons {
  constructor(undoOf, isWanted) {
    Object.assign(this, { undoOf, isWanted });
    onClicks("photo", { undo: () => this.#step("undo"), redo: () => this.#step("redo") });
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  show() {
    byId("photo-undo").disabled = !this.undoOf()?.past.length;
    byId("photo-redo").disabled = !this.undoOf()?.future.length;
  }

  #step(way) {
    this.undoOf()?.[way]();
    this.show();
  }

  #key(event) {
    const key = event.ctrlKey || event.metaKey ? event.key.toLowerCase() : "";
    if (!["z", "y"].includes(key) || !this.isWanted() || event.target.matches("input[type=text], input[type=number], textarea")) return;
    event.preventDefault();
    this.#step(key === "y" || event.shiftKey ? "redo" : "undo");
  }
}
