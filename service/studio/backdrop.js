// What goes behind the subject: a colour, nothing at all, or a picture of one's own.

import { make } from "./dom.js";

const COLORS = { "#1e90ff": "Blue", "#ffffff": "White", "#f2c14e": "Yellow", "#2f9e62": "Green", "#15151a": "Black" };

const TRANSPARENT = "transparent";

export class Backdrop {
  /** Calls `onChange` whenever another one is chosen. */
  constructor(onChange) {
    this.onChange = onChange;
    this.color = Object.keys(COLORS)[0];
    this.file = null;
    this.group = `backdrop-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.element = this.#build();
  }

  /** Puts a picture behind the subject. */
  usePicture(file) {
    this.file = file;
    this.color = null;
    if (this.previewUrl) URL.revokeObjectURL(this.previewUrl);
    this.previewUrl = URL.createObjectURL(file);
    this.pictureSwatch.style.backgroundImage = `url("${this.previewUrl}")`;
    this.pictureSwatch.textContent = "";
    this.name.textContent = file.name;
    for (const radio of this.element.querySelectorAll("input[type=radio]")) radio.checked = false;
    this.onChange();
  }

  #use(color, name) {
    this.color = color;
    this.file = null;
    this.name.textContent = name;
    this.onChange();
  }

  #build() {
    this.name = make("output", { text: COLORS[this.color] });
    const swatches = Object.entries(COLORS).map(([color, name]) => this.#swatch(color, name));
    return make("div", { class: "field", "data-option": "background" },
      make("div", { class: "field-head" }, make("span", { text: "Background" }), this.name),
      make("div", { class: "swatches", role: "group", "aria-label": "Background" },
        swatches, this.#swatch(TRANSPARENT, "Transparent", "transparent"), this.#anyColor(), this.#picture()));
  }

  #swatch(color, name, kind = "") {
    const radio = make("input", { type: "radio", name: this.group, value: color, "aria-label": name, checked: color === this.color });
    radio.addEventListener("change", () => this.#use(color, name));
    const face = make("span");
    if (color !== TRANSPARENT) face.style.backgroundColor = color;
    return make("div", { class: `swatch ${kind}`, title: name }, radio, face);
  }

  #anyColor() {
    const input = make("input", { type: "color", value: "#8a5cf6", "aria-label": "Any colour" });
    input.addEventListener("input", () => {
      for (const radio of this.element.querySelectorAll("input[type=radio]")) radio.checked = false;
      this.#use(input.value, input.value);
    });
    return make("div", { class: "swatch any", title: "Any colour" }, input, make("span"));
  }

  #picture() {
    this.pictureSwatch = make("span", { text: "+" });
    const input = make("input", { type: "file", accept: "image/*", "aria-label": "A picture of your own" });
    input.addEventListener("change", () => {
      if (input.files.length) this.usePicture(input.files[0]);
      input.value = "";
    });
    const swatch = make("div", { class: "swatch picture", title: "A picture of your own; drop it here" }, input, this.pictureSwatch);
    swatch.addEventListener("dragover", (event) => event.preventDefault());
    swatch.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const file = event.dataTransfer.files[0];
      if (file) this.usePicture(file);
    });
    return swatch;
  }
}
