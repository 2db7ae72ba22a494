// The request on screen, as it is written for curl and for Python: run beside the same files, it gives the same result.

import { byId, onClicks, sayOn } from "./dom.js";
import { address } from "./service.js";

const LONGEST_LINE = 90;

const LANGUAGES = {
  curl({ path, fields }, files, result) {
    const words = [
      ...files.map(([name, file]) => `-F ${quoted(`${name}=@${fileName(file)}`)}`),
      ...fields.map(([name, value]) => `${fieldFlag(value)} ${quoted(`${name}=${value}`)}`),
      quoted(address(path)), `-o ${quoted(result)}`,
    ];
    const line = ["curl", ...words].join(" ");
    return line.length <= LONGEST_LINE ? line : `curl ${words.join(" \\\n  ")}`;
  },

  /** JSON's strings are Python's, too. */
  Python({ path, fields }, files, result) {
    const text = JSON.stringify;
    const opened = files.map(([name, file]) => `${text(name)}: Path(${text(file)}).open("rb")`);
    const options = fields.map(([name, value]) => `${text(name)}: ${text(value)}`).join(", ");
    return [
      "from pathlib import Path",
      "import httpx2",
      "",
      `files = {${opened.join(", ")}}`,
      ...(options ? [`options = {${options}}`] : []),
      `answer = httpx2.post(${text(address(path))}, files=files${options ? ", data=options" : ""}, timeout=60)`,
      "answer.raise_for_status()",
      `Path(${text(result)}).write_bytes(answer.content)`,
    ].join("\n");
  },
};

/** For a POSIX shell. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** curl would take `,` and `;` in a bare name for the end of it. */
const fileName = (name) => (/[,;"\\]/.test(name) ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name);

/** With -F, curl reads files named by `@` and `<`, and parameters after `;`. */
const fieldFlag = (value) => (/^[@<]|;/.test(value) ? "--form-string" : "-F");

export class Recipe {
  constructor(root) {
    Object.assign(this, { root, code: root.querySelector("code") });
    root.addEventListener("change", () => this.#write());
    onClicks("photo", { "recipe-copy": () => this.#copy(byId("photo-recipe-copy")) });
  }

  /** `image` and `result` are names of files. */
  show(request, image, result) {
    this.root.hidden = false;
    const files = [["image", image], ...request.files.map(([name, file]) => [name, file.name])];
    this.arguments = [request, files, result];
    this.#write();
  }

  #write() {
    const language = this.root.querySelector("input:checked").value;
    this.code.textContent = LANGUAGES[language](...this.arguments);
  }

  async #copy(button) {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      sayOn(button, "Copied");
    } catch {
      getSelection().selectAllChildren(this.code); // no clipboard here: at least it is marked
      sayOn(button, "Marked: press Ctrl C");
    }
  }
}
