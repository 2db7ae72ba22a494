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
    this.#check(color);
  }

  /** Puts a picture behind the subject. */
  usePicture(file) {
    this.#showPicture(file);
    this.#check();
    this.#useFile(file, file.name, false);
  }

  /** What is behind the subject now, for `use`. */
  get choice() {
    const { color, file, isSmooth, isChosen } = this;
    return { color, file, isSmooth, isChosen, name: this.name.textContent };
  }

  /** Another backdrop's choice. Nobody is told. */
  use({ name, ...state }) {
    const { color, file } = Object.assign(this, state);
    if (color && color !== TRANSPARENT) this.hex.value = color;
    if (file?.name === name) this.#showPicture(file);
    this.name.textContent = name;
    this.#check(color, file && name, file?.name);
  }

  #showPicture(file) {
    if (this.previewUrl) URL.revokeObjectURL(this.previewUrl);
    this.previewUrl = URL.createObjectURL(file);
    this.ownSwatch.style.backgroundImage = `url("${this.previewUrl}")`;
    this.ownSwatch.textContent = "";
  }

  /** Ours has, under its name, a link that saves it: for the program beside the picture. */
  #useFile(file, name, isSmooth) {
    Object.assign(this, { file, isSmooth, color: null });
    const isOurs = file.name !== name;
    this.#told(isOurs ? make("a", { text: name, download: file.name, href: URL.createObjectURL(file), title: `Save it as ${file.name}` }) : name);
  }

  #useColor(color, name = color) {
    Object.assign(this, { color, file: null, isSmooth: false });
    if (color !== TRANSPARENT && document.activeElement !== this.hex) this.hex.value = color;
    this.#told(name);
  }

  #told(name) {
    this.isChosen = true;
    this.name.replaceChildren(name);
    this.onChange();
  }

  #check(...values) {
    for (const radio of this.element.querySelectorAll("input[type=radio]")) radio.checked = values.includes(radio.value);
  }

  #build() {
    this.name = make("output", { text: COLORS[this.color] });
    const colors = Object.entries(COLORS).map(([color, name]) => this.#color(color, name));
    const gradients = Object.keys(GRADIENTS).map((name) => this.#gradient(name));
    const pictures = Object.entries(PICTURES).map(([file, name]) => this.#ours(file, name));
    return make("div", { class: "field", "data-option": "background" },
      make("div", { class: "field-head" }, make("span", { text: "Background" }), this.name),
      make("div", { class: "swatches", role: "group", "aria-label": "Background" },
        colors, this.#radio(TRANSPARENT, "Transparent", () => this.#useColor(TRANSPARENT, "Transparent"), {}, TRANSPARENT),
        this.#anyColor(), this.#own(), gradients, pictures),
      this.#hexField());
  }

  #color = (color, name) => this.#radio(color, name, () => this.#useColor(color, name), { backgroundColor: color });

  #gradient(name) {
    const use = async () => this.#useFile(await gradientFile(name), name, true);
    return this.#radio(name, `${name}, a gradient`, use, { backgroundImage: gradientCss(name) });
  }

  #ours(file, name) {
    const url = `studio/backgrounds/${file}`;
    const use = async () => this.#useFile(new File([await (await fetch(url)).blob()], file, { type: "image/webp" }), name, false);
    return this.#radio(file, `${name}, a picture`, use, { backgroundImage: `url("${url}")` });
  }

  #radio(value, name, onchange, style, kind = "") {
    const checked = value === this.color;
    return swatch(kind, name, make("input", { type: "radio", name: this.group, value, "aria-label": name, checked, onchange }), style);
  }

  #anyColor() {
    const input = make("input", { type: "color", value: "#8a5cf6", "aria-label": "Any colour", oninput: () => { this.#check(); this.#useColor(input.value); } });
    return swatch("any", "Any colour", input);
  }

  #hexField() {
    this.hex = make("input", { type: "text", class: "hex", value: this.color, "aria-label": "Colour as hex", spellcheck: "false", maxlength: 9 });
    this.hex.addEventListener("input", () => {
      const [, digits] = HEX.exec(this.hex.value.trim()) ?? [];
      this.hex.setCustomValidity(digits ? "" : "3, 4, 6 or 8 digits, such as #1e90ff");
      if (!digits) return;
      this.#check();
      this.#useColor(`#${digits}`);
    });
    return this.hex;
  }

  #own() {
    const input = make("input", { type: "file", accept: "image/*", "aria-label": "A picture of your own" });
    input.addEventListener("change", () => {
      if (input.files.length) this.usePicture(input.files[0]);
      input.value = "";
    });
    const element = swatch("picture", "A picture of your own; drop it here", input);
    this.ownSwatch = element.lastChild;
    this.ownSwatch.textContent = "+";
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const [file] = event.dataTransfer.files;
      if (file) this.usePicture(file);
    });
    return element;
  }
}

function swatch(kind, title, input, style = {}) {
  const face = make("span");
  Object.assign(face.style, style);
  return make("div", { class: `swatch ${kind}`, title }, input, face);
}
