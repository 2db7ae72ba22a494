// How the Live tab works, apart from what it shows: camera, size, where it is composed, smoothing.

import { make } from "./dom.js";
import { cameras } from "./camera.js";

const OF_THE_CAMERA = ["camera", "size"];

export class LiveSettings {
  /** `onRestart` hears of what a running session cannot take over. */
  constructor(form, onChange, onRestart) {
    this.fields = form.elements;
    form.addEventListener("input", ({ target }) => {
      this.fields.smoothed.value = this.fields.smoothing.value;
      if (OF_THE_CAMERA.includes(target.name)) onRestart();
      else onChange();
    });
  }

  get videoWish() {
    const [width, height] = this.fields.size.value.split(" × ").map(Number);
    return { width, height, deviceId: this.fields.camera.value };
  }

  get output() { return this.fields.composed.value; }

  get smoothing() { return this.fields.smoothing.valueAsNumber; }

  get isMirrored() { return this.fields.mirror.checked; }

  /** Fills the list of cameras, once one was allowed. */
  async listCameras() {
    const { camera } = this.fields;
    const chosen = camera.value;
    const options = (await cameras()).map(({ deviceId, label }, index) => make("option", { value: deviceId, text: label || `Camera ${index + 1}` }));
    camera.replaceChildren(camera.options[0], ...options);
    camera.value = chosen;
  }
}
