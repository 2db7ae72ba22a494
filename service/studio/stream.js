// A session with the service's WebSocket: frames out, mattes and pictures back. Knows no camera and no canvas.
//
// Binary messages, both ways: the length of a JSON header (4 bytes, little-endian), the header, the payload.

import { keyProtocols } from "./key.js";
import { Problem, address } from "./service.js";

const LENGTH_BYTES = 4;

const GONE = { title: "The connection to the service is gone", detail: "It may have been stopped.", code: "unreachable" };

/** Why a session ended, where the service did not send a problem document before. */
const CLOSED = {
  1001: { title: "The service closed the session", detail: "It was idle for too long, or the service is being stopped." },
};

export class Stream {
  /** `on` has `ready(session)`, `result(header, parts)`, `problem(problem)` for one frame, `closed(problem, code)`. */
  constructor(hello, on) {
    this.on = on;
    this.problem = null;
    this.session = null;
    this.hello = hello;
    const url = new URL(address("stream"));
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url, keyProtocols());
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => this.#say({ type: "hello", ...hello }));
    this.socket.addEventListener("message", ({ data }) => this.#hear(data));
    this.socket.addEventListener("close", ({ code, reason }) => this.#closed(code, reason));
  }

  get isOpen() { return this.session !== null && this.socket.readyState === WebSocket.OPEN; }

  /** Bytes that the network has not taken yet. */
  get waitingBytes() { return this.socket.bufferedAmount; }

  sendFrame(seq, timestampMs, format, payload) {
    if (this.isOpen) this.socket.send(packed({ seq, timestamp_ms: timestampMs, format }, payload));
  }

  sendBackground(format, payload) {
    if (this.isOpen) this.socket.send(packed({ type: "background", format }, payload));
  }

  update(changes) {
    if (this.isOpen) this.#say({ type: "update", ...changes });
  }

  /** Ends it; nothing more is heard of it. */
  close() {
    this.on = null;
    this.socket.close(1000);
  }

  #say(message) { this.socket.send(JSON.stringify(message)); }

  #hear(data) {
    if (!this.on) return;
    if (typeof data !== "string") {
      this.on.result(...unpacked(data));
      return;
    }
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
    const known = CLOSED[code] ? { ...CLOSED[code], code: reason || String(code) } : null;
    const said = this.problem && (!reason || this.problem.code === reason) ? this.problem : null;
    this.on?.closed(said ?? new Problem(known ?? { ...GONE, code: reason || GONE.code }), code);
  }
}

function packed(header, payload) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const message = new Uint8Array(LENGTH_BYTES + text.length + payload.byteLength);
  new DataView(message.buffer).setUint32(0, text.length, true);
  message.set(text, LENGTH_BYTES);
  message.set(new Uint8Array(payload), LENGTH_BYTES + text.length);
  return message;
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
