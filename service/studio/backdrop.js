// What goes behind the subject: a colour, nothing at all, a gradient, one of our pictures, or one of one's own.

import { make } from "./dom.js";
import { GRADIENTS, gradientFile, gradientCss } from "./gradients.js";

const COLORS = { "#1e90ff": "Blue", "#ffffff": "White", "#f2c14e": "Yellow", "#2f9e62": "Green", "#15151a": "Black" };
const PICTURES = { "paper.webp": "Paper", "lights.webp": "Lights", "dunes.webp": "Dunes", "leaves.webp": "Leaves" };

const TRANSPARENT = "transparent";
const HEX = /^#?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i;

export class Backdrop {
  /** Calls `onChange` whenever another one is chosen. */
  constructor(onChange) {
    this.onChange = onChange;
    this.color = Object.keys(COLORS)[0];
    this.file = null;
    this.isSmooth = false; // looks the same however it is enlarged
    this.group = `backdrop-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.element = this.#build();
  }

  /** The colour to begin with, as long as nobody has chosen anything. */
  suggest(color) {
    if (this.isChosen) return;
    this.color = this.hex.value = color;
    this.name.textContent = COLORS[color];
    for (const radio of this.element.querySelectorAll("input[type=radio]")) radio.checked = radio.value === color;
  }

  /** Puts a picture behind the subject. */
  usePicture(file) {
    this.#showPicture(file);
    this.#uncheck();
    this.#useFile(file, file.name, false);
  }

  /** What is behind the subject now, for `use`. */
  get choice() {
    const { color, file, isSmooth, isChosen } = this;
    return { color, file, isSmooth, isChosen, name: this.name.textContent };
  }

  /** Another backdrop's choice. Nobody is told. */
  use(choice) {
    const { name, ...state } = choice;
    const { color, file } = Object.assign(this, state);
    if (color && color !== TRANSPARENT) this.hex.value = color;
    if (file?.name === name) this.#showPicture(file);
    this.name.textContent = name;
    for (const radio of this.element.querySelectorAll("input[type=radio]")) radio.checked = [color, file && name, file?.name].includes(radio.value);
  }

  #showPicture(file) {
    if (this.previewUrl) URL.revokeObjectURL(this.previewUrl);
    this.previewUrl = URL.createObjectURL(file);
    this.pictureSwatch.style.backgroundImage = `url("${this.previewUrl}")`;
    this.pictureSwatch.textContent = "";
  }

  #useFile(file, name, isSmooth) {
    Object.assign(this, { file, isSmooth, color: null });
    this.#told(name);
  }

  #useColor(color, name) {
    Object.assign(this, { color, file: null, isSmooth: false });
    if (color !== TRANSPARENT) this.hex.value = color;
    this.#told(name);
  }

  /** Ours, under its name, for the program beside the picture: a link to save it. */
  #told(name) {
    this.isChosen = true;
    const { file } = this;
    const isOurs = file && file.name !== name;
    const link = isOurs ? make("a", { text: name, download: file.name, href: URL.createObjectURL(file), title: `Save it as ${file.name}` }) : name;
    this.name.replaceChildren(link);
    this.onChange();
  }

  #uncheck() {
    for (const radio of this.element.querySelectorAll("input[type=radio]")) radio.checked = false;
  }

  #build() {
    this.name = make("output", { text: COLORS[this.color] });
    const colors = Object.entries(COLORS).map(([color, name]) => this.#swatch(color, name));
    const gradients = Object.keys(GRADIENTS).map((name) => this.#gradient(name));
    const pictures = Object.entries(PICTURES).map(([file, name]) => this.#ours(file, name));
    return make("div", { class: "field", "data-option": "background" },
      make("div", { class: "field-head" }, make("span", { text: "Background" }), this.name),
      make("div", { class: "swatches", role: "group", "aria-label": "Background" },
        colors, this.#swatch(TRANSPARENT, "Transparent", "transparent"), this.#anyColor(), this.#picture(), gradients, pictures),
      this.#hexField());
  }

  #swatch(color, name, kind = "") {
    const swatch = this.#radio(color, name, kind, () => this.#useColor(color, name), color === this.color);
    if (color !== TRANSPARENT) swatch.lastChild.style.backgroundColor = color;
    return swatch;
  }

  #gradient(name) {
    const swatch = this.#radio(name, `${name}, a gradient`, "", async () => this.#useFile(await gradientFile(name), name, true));
    swatch.lastChild.style.backgroundImage = gradientCss(name);
    return swatch;
  }

  #ours(file, name) {
    const url = `studio/backgrounds/${file}`;
    const use = async () => this.#useFile(new File([await (await fetch(url)).blob()], file, { type: "image/webp" }), name, false);
    const swatch = this.#radio(file, `${name}, a picture`, "", use);
    swatch.lastChild.style.backgroundImage = `url("${url}")`;
    return swatch;
  }

  #radio(value, name, kind, onUse, checked = false) {
    const radio = make("input", { type: "radio", name: this.group, value, "aria-label": name, checked, onchange: onUse });
    return make("div", { class: `swatch ${kind}`, title: name }, radio, make("span"));
  }

  #anyColor() {
    const input = make("input", { type: "color", value: "#8a5cf6", "aria-label": "Any colour" });
    input.addEventListener("input", () => { this.#uncheck(); this.#useColor(input.value, input.value); });
    return make("div", { class: "swatch any", title: "Any colour" }, input, make("span"));
  }

  #hexField() {
    this.hex = make("input", { type: "text", class: "hex", value: this.color, "aria-label": "Colour as hex", spellcheck: "false", maxlength: 9 });
    this.hex.addEventListener("input", () => {
      const [, digits] = HEX.exec(this.hex.value.trim()) ?? [];
      this.hex.setCustomValidity(digits ? "" : "3, 4, 6 or 8 digits, such as #1e90ff");
      if (!digits) return;
      this.#uncheck();
      const written = this.hex.value;
      this.#useColor(`#${digits}`, `#${digits}`);
      this.hex.value = written;
    });
    return this.hex;
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
