// A film that somebody chose: its length, its size, and pictures from all over it.

import { drawn, fileOf, within } from "./pixels.js";
import { Problem } from "./service.js";

const LARGEST_SIDE_PX = 1280;
const FAR_S = 1e9;

/** `{seconds, width, height, stills}`: those, `[{atS, file}]`, from the middles of `count` equal parts. Throws Problem where
 *  this browser cannot read it, which says nothing of the service. */
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
      stills.push({ atS, file: await fileOf(drawn(video, within({ width, height }, LARGEST_SIDE_PX)), "still.jpeg", 0.92) });
    }
    return { seconds, width, height, stills };
  } finally {
    URL.revokeObjectURL(video.src);
  }
}
