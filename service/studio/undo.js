// What was done to one photo, step by step, there and back again.

import { byId, onClick } from "./dom.js";
import { icon } from "./icons.js";

export class Undo {
  constructor() {
    this.past = [];
    this.future = [];
  }

  /** Remembers a step that was just taken, as two functions: `back` undoes it, `again` takes it once more. */
  did(back, again) {
    this.past.push({ back, again });
    this.future = [];
  }

  undo() {
    const step = this.past.pop();
    if (!step) return;
    this.future.push(step);
    step.back();
  }

  redo() {
    const step = this.future.pop();
    if (!step) return;
    this.past.push(step);
    step.again();
  }
}

/** The buttons, and Ctrl Z and its like wherever nobody writes, for what `undoOf()` remembers; `isWanted()` says when. */
export class UndoButtons {
  constructor(undoOf, isWanted) {
    Object.assign(this, { undoOf, isWanted });
    for (const way of ["undo", "redo"]) {
      byId(`photo-${way}`).append(icon(way));
      onClick(`photo-${way}`, () => this.#step(way));
    }
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
    const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    const isRedo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y";
    if ((!isUndo && !isRedo) || !this.isWanted() || event.target.matches("input[type=text], input[type=number], textarea")) return;
    event.preventDefault();
    this.#step(isRedo || event.shiftKey ? "redo" : "undo");
  }
}
