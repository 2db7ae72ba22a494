// Frames on their way: each waits here, at full size, for its own matte.

import { drawn } from "./pixels.js";

const MOST_IN_FLIGHT = 2; // one that the service works on, one that travels; more would only make it later
const QUALITY = 0.8;

export class Frames {
  constructor() {
    Object.assign(this, { waiting: new Map(), lastSeq: 0, lastSentMs: 0 });
  }

  hasRoom(nowMs, intervalMs) {
    // A camera's frames come a little early or late: waiting for the exact moment would lose every second one.
    return this.waiting.size < MOST_IN_FLIGHT && nowMs - this.lastSentMs > 0.8 * intervalMs;
  }

  /** Keeps the video's picture of now at the size `keep`, and encodes it at `send`. */
  async take(video, nowMs, keep, send, isMirrored) {
    this.lastSentMs = nowMs;
    const seq = (this.lastSeq += 1);
    const canvas = new OffscreenCanvas(keep.width, keep.height);
    const context = canvas.getContext("2d");
    if (isMirrored) context.setTransform(-1, 0, 0, 1, keep.width, 0);
    context.drawImage(video, 0, 0, keep.width, keep.height);
    this.waiting.set(seq, { canvas, takenMs: nowMs });
    const blob = await drawn(canvas, send).convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return { seq, payload: await blob.arrayBuffer() };
  }

  /** Lets this frame go, and all before it, which were dropped. */
  use(seq, work) {
    const frame = this.waiting.get(seq);
    if (frame) work(frame);
    for (const each of [...this.waiting.keys()]) if (each <= seq) this.waiting.delete(each);
  }

  forget() { this.waiting.clear(); }
}
