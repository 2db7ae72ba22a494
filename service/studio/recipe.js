// The request on screen, as it is written for curl and for Python: run beside the same files, it gives the same result.

import { make } from "./dom.js";
import { address } from "./service.js";

const LONGEST_LINE = 90;

/** `request` is that of choices.js, `image` and `result` are names of files. */
export function curl(request, image, result) {
  const parts = [
    ["image", image],
    ...request.files.map(([name, file]) => [name, file.name]),
  ].map(([name, file]) => `-F ${quoted(`${name}=@${fileName(file)}`)}`);
  const fields = request.fields.map(([name, value]) => `${fieldFlag(value)} ${quoted(`${name}=${value}`)}`);
  const words = [...parts, ...fields, quoted(address(request.path)), `-o ${quoted(result)}`];
  const line = ["curl", ...words].join(" ");
  return line.length <= LONGEST_LINE ? line : `curl ${words.join(" \\\n  ")}`;
}

export function python(request, image, result) {
  const files = [["image", image], ...request.files.map(([name, file]) => [name, file.name])];
  const data = request.fields.map(([name, value]) => `${text(name)}: ${text(value)}`).join(", ");
  return [
    "from pathlib import Path",
    "import httpx2",
    "",
    `files = {${files.map(([name, file]) => `${text(name)}: Path(${text(file)}).open("rb")`).join(", ")}}`,
    ...(data ? [`options = {${data}}`] : []),
    `answer = httpx2.post(${text(address(request.path))}, files=files${data ? ", data=options" : ""}, timeout=60)`,
    "answer.raise_for_status()",
    `Path(${text(result)}).write_bytes(answer.content)`,
  ].join("\n");
}

/** For a POSIX shell. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** curl would take `,` and `;` in a bare name for the end of it. */
const fileName = (name) => (/[,;"\\]/.test(name) ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name);

/** With -F, curl reads files named by `@` and `<`, and parameters after `;`. */
const fieldFlag = (value) => (/^[@<]|;/.test(value) ? "--form-string" : "-F");

/** JSON's strings are Python's, too. */
const text = (value) => JSON.stringify(value);

const LANGUAGES = { curl, Python: python };

export class Recipe {
  constructor(root) {
    this.root = root;
    this.language = "curl";
    this.arguments = null;
    this.code = make("code");
    this.copy = make("button", { class: "button plain", type: "button", text: "Copy", onclick: () => this.#copy() });
    const radios = Object.keys(LANGUAGES).map((language) => make("label", {},
      make("input", { type: "radio", name: "recipe", value: language, checked: language === this.language, onchange: () => this.#use(language) }),
      make("span", { text: language })));
    root.replaceChildren(
      make("div", { class: "recipe-head" },
        make("div", { class: "strip", role: "radiogroup", "aria-label": "Language" }, radios), this.copy),
      make("pre", { tabindex: "0", "aria-label": "Program" }, this.code));
  }

  /** Shows what gives the result on screen. */
  show(request, image, result) {
    this.root.hidden = false;
    this.arguments = [request, image, result];
    this.#use(this.language);
  }

  #use(language) {
    this.language = language;
    this.code.textContent = LANGUAGES[language](...this.arguments);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      this.copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.code); // no clipboard here: at least it is marked
      this.copy.textContent = "Marked: press Ctrl C";
    }
    setTimeout(() => { this.copy.textContent = "Copy"; }, 2000);
  }
}
