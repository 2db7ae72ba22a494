// What goes behind the subject: a colour, nothing at all, one of our gradients and pictures, or one of one's own.

import { copyOf, make } from "./dom.js";
import { shippedFile, takeChosen } from "./intake.js";

const TRANSPARENT = "transparent";
const HEX = /^#?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i;

export class Backdrop {
  constructor(onChange) {
    this.group = `backdrop-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    Object.assign(this, { onChange, file: null }, copyOf("backdrop"));
    this.isSmooth = false; // looks the same however it is enlarged
    for (const radio of this.#radios) this.#startRadio(radio);
    this.suggest(this.hex.value);
    this.any.addEventListener("input", () => { this.#check(); this.#useColor(this.any.value); });
    this.hex.addEventListener("input", () => this.#readHex());
    takeChosen(this.own, ([file]) => this.usePicture(file));
    this.own.parentElement.addEventListener("drop", ({ dataTransfer: { files: [file] } }) => { if (file) this.usePicture(file); });
  }

  /** The colour to begin with, as long as nobody has chosen anything. */
  suggest(color) {
    if (this.isChosen) return;
    this.color = this.hex.value = color;
    this.#check(color);
    this.name.textContent = this.#radios.find(({ checked }) => checked).ariaLabel;
  }

  usePicture(file) {
    this.#showPicture(file);
    this.#check();
    this.#useFile(file, file.name);
  }

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
    this.#check(color, file?.name);
  }

  get #radios() { return [...this.element.querySelectorAll("[type=radio]")]; }

  /** Its value is a colour, or the name of one of our files. */
  #startRadio(radio) {
    const { value, ariaLabel } = radio;
    const url = `studio/backgrounds/${value}`;
    const isFile = value.endsWith(".webp");
    const use = async () => {
      if (!isFile) this.#useColor(value, ariaLabel);
      else this.#useFile(await shippedFile(url), ariaLabel.split(",")[0], "smooth" in radio.dataset);
    };
    radio.name = this.group;
    radio.parentElement.title = ariaLabel;
    radio.addEventListener("change", use);
    if (value !== TRANSPARENT) radio.nextElementSibling.style.background = isFile ? `url("${url}") center / cover` : value;
  }

  #showPicture(file) {
    if (this.previewUrl) URL.revokeObjectURL(this.previewUrl);
    this.previewUrl = URL.createObjectURL(file);
    const face = this.own.nextElementSibling;
    face.style.backgroundImage = `url("${this.previewUrl}")`;
    face.textContent = "";
  }

  /** Ours has, under its name, a link that saves it: for the program beside the picture. */
  #useFile(file, name, isSmooth = false) {
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
    for (const radio of this.#radios) radio.checked = values.includes(radio.value);
  }

  #readHex() {
    const [, digits] = HEX.exec(this.hex.value.trim()) ?? [];
    this.hex.setCustomValidity(digits ? "" : "3, 4, 6 or 8 digits, such as #1e90ff");
    if (!digits) return;
    this.#check();
    this.#useColor(`#${digits}`);
  }
}
