// A session with the service's WebSocket: frames out, mattes and pictures back. Knows no camera and no canvas.
//
// Binary messages, both ways: the length of a JSON header (4 bytes, little-endian), the header, the payload.

import { keyProtocols } from "./key.js";
import { Problem, address } from "./service.js";

const LENGTH_BYTES = 4;

const UNREACHABLE = "unreachable";
const GOING_AWAY = 1001; // it was idle for too long, or the service is being stopped

export class Stream {
  /** `on` has `ready(session)`, `result(header, parts)`, `problem(problem, seq)` and `closed(problem, code)`. */
  constructor(hello, on) {
    Object.assign(this, { on, problem: null, session: null });
    const url = new URL(address("stream"));
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url, keyProtocols());
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.#say({ type: "hello", ...hello });
    this.socket.onmessage = ({ data }) => this.#hear(data);
    this.socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  get isOpen() { return this.session !== null && this.socket.readyState === WebSocket.OPEN; }

  get waitingBytes() { return this.socket.bufferedAmount; }

  sendFrame(seq, timestampMs, format, payload) { this.#send({ seq, timestamp_ms: timestampMs, format }, payload); }

  sendBackground(format, payload) { this.#send({ type: "background", format }, payload); }

  update(changes) {
    if (this.isOpen) this.#say({ type: "update", ...changes });
  }

  close() {
    this.on = null;
    this.socket.close(1000);
  }

  #say(message) { this.socket.send(JSON.stringify(message)); }

  #send(header, payload) {
    if (!this.isOpen) return;
    const text = new TextEncoder().encode(JSON.stringify(header));
    const length = new DataView(new ArrayBuffer(LENGTH_BYTES));
    length.setUint32(0, text.length, true);
    this.socket.send(new Blob([length, text, payload]));
  }

  #hear(data) {
    if (!this.on) return;
    if (typeof data !== "string") { this.on.result(...unpacked(data)); return; }
    const message = JSON.parse(data);
    if (message.type === "ready") {
      this.session = message;
      this.on.ready(message);
    } else if (message.type === "problem") {
      this.problem = new Problem(message);
      this.on.problem(this.problem, message.seq);
    }
  }

  #closed(code, reason) {
    const said = this.problem && (!reason || this.problem.code === reason) ? this.problem : null;
    this.on?.closed(said ?? new Problem({ title: "The service closed the session", code: reason || (code === GOING_AWAY ? "closed" : UNREACHABLE) }), code);
  }
}

/** `[header, parts]`; each part gets its `content`. */
function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, LENGTH_BYTES, length)));
  let at = LENGTH_BYTES + length;
  const parts = (header.parts ?? []).map((part) => {
    const content = new Uint8Array(buffer, at, part.bytes);
    at += part.bytes;
    return { ...part, content };
  });
  return [header, parts];
}
