// A film that somebody chose, as far as this browser can show it: its length, its size, and pictures from all over it.

import { Problem } from "./service.js";

const LARGEST_SIDE_PX = 1280;
const FAR_S = 1e9;

/** `{seconds, width, height, stills}`; those are JPEGs from the middles of `count` equal parts, `[{atS, file}]`.
 *  Throws Problem where this browser cannot read it, which says nothing of the service. */
export async function readClip(file, count) {
  const video = Object.assign(document.createElement("video"), { muted: true, preload: "auto", src: URL.createObjectURL(file) });
  const until = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true });
    video.addEventListener("error", () => reject(new Problem({ code: "no_preview" })), { once: true });
  });
  const goTo = (atS) => {
    const arrived = until("seeked");
    video.currentTime = atS;
    return arrived;
  };
  try {
    await until("loadeddata");
    if (!Number.isFinite(video.duration)) await goTo(FAR_S); // browsers' own recordings say how long they are at their end
    const { duration: seconds, videoWidth: width, videoHeight: height } = video;
    const stills = [];
    for (let part = 0.5; part < count; part += 1) {
      const atS = (seconds * part) / count;
      await goTo(atS);
      stills.push({ atS, file: await pictureOf(video) });
    }
    return { seconds, width, height, stills };
  } finally {
    URL.revokeObjectURL(video.src);
  }
}

async function pictureOf(video) {
  const scale = Math.min(1, LARGEST_SIDE_PX / Math.max(video.videoWidth, video.videoHeight));
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new File([await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 })], "still.jpg", { type: "image/jpeg" });
}
