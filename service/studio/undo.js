// What was done to one photo, step by step, there and back again.

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

/** Ctrl Z and its like, wherever nobody writes; `isWanted()` says when, `undo` and `redo` do it. */
export function takeUndoKeys(isWanted, undo, redo) {
  document.addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    const isRedo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y";
    if ((!isUndo && !isRedo) || !isWanted() || event.target.matches("input[type=text], input[type=number], textarea")) return;
    event.preventDefault();
    if (isRedo || event.shiftKey) redo();
    else undo();
  });
}
