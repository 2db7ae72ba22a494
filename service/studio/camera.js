// Moving pictures, from a camera or from a file, and what is wrong where there are none.

import { Problem } from "./service.js";

const FAILURES = {
  NotAllowedError: ["The camera is not allowed", "Allow it for this page in the browser's address bar, and start again."],
  NotFoundError: ["There is no camera", "Connect one, or use a video file."],
  NotReadableError: ["The camera is busy", "Another program may be using it. Close that, and start again."],
  OverconstrainedError: ["The camera cannot do that", "Choose another one, or another size."],
};

/** A playing video element of a camera. Throws Problem. */
export async function openCamera({ width, height, deviceId }) {
  if (!navigator.mediaDevices) {
    throw new Problem({
      title: "The browser keeps the camera from this page",
      detail: "Cameras work on https:// and on localhost only. Put the service behind a proxy with a certificate.",
      code: "insecure_page",
    });
  }
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 }, ...(deviceId ? { deviceId: { exact: deviceId } } : {}) };
  try {
    return await playing({ srcObject: await navigator.mediaDevices.getUserMedia({ video, audio: false }) });
  } catch (error) {
    const [title, detail] = FAILURES[error.name] ?? ["The camera cannot be used", String(error.message ?? error)];
    throw new Problem({ title, detail, code: error.name });
  }
}

/** A playing video element of a file, over and over. Throws Problem. */
export async function openFile(file) {
  try {
    return await playing({ src: URL.createObjectURL(file), loop: true });
  } catch (error) {
    throw new Problem({ title: "The video cannot be played", detail: `This browser cannot read ${file.name}.`, code: error.name });
  }
}

async function playing(source) {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, ...source });
  await video.play();
  return video;
}

/** Gives the camera, or the file, back. */
export function closeVideo(video) {
  video.pause();
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  if (video.src) URL.revokeObjectURL(video.src);
}

/** `[{deviceId, label}]`; labels are known once a camera was allowed. */
export async function cameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
}

/** Calls `onFrame` for every new frame until `signal` says stop. */
export function eachFrame(video, signal, onFrame) {
  const next = (work) => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(work) : requestAnimationFrame(work));
  const step = () => {
    if (signal.aborted) return;
    onFrame();
    next(step);
  };
  next(step);
}
