// Moving pictures, from a camera or from a file. The page has words for the codes of what is wrong.

import { Problem } from "./service.js";

/** A playing video element. Throws Problem. */
export async function openCamera({ width, height, deviceId }) {
  if (!navigator.mediaDevices) throw new Problem({ code: "insecure_page" });
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 }, ...(deviceId ? { deviceId: { exact: deviceId } } : {}) };
  try {
    return await playing({ srcObject: await navigator.mediaDevices.getUserMedia({ video, audio: false }) });
  } catch (error) {
    throw new Problem({ title: "The camera cannot be used", detail: String(error.message ?? error), code: error.name });
  }
}

/** The same of a file, over and over. */
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

export function eachFrame(video, signal, onFrame) {
  const next = (work) => (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(work) : requestAnimationFrame(work));
  const step = () => {
    if (signal.aborted) return;
    onFrame();
    next(step);
  };
  next(step);
}
