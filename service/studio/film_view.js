// A finished film, made by the service or recorded here: looked at where this browser can, saved, let go.

import { make, save } from "./dom.js";

export class FilmView {
  constructor(root) { this.root = root; }

  show(blob, name, { lost } = {}) {
    this.clear();
    this.url = URL.createObjectURL(blob);
    const size = blob.size < 1e6 ? `${Math.ceil(blob.size / 1000)} kB` : `${(blob.size / 1e6).toFixed(1)} MB`;
    const missing = lost ? [`${lost} damaged frames are missing`] : [];
    this.root.replaceChildren(this.#picture(blob.type.split("/")[0]), make("div", { class: "under-stage" },
      make("p", { class: "quiet small", text: [name, size, ...missing].join(" · ") }),
      make("div", { class: "ends" },
        make("button", { class: "button plain", type: "button", text: "Remove", onclick: () => this.clear() }),
        make("button", { class: "button main", type: "button", text: "Download", onclick: () => save(blob, name) }))));
  }

  clear() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.replaceChildren();
  }

  #picture(kind) {
    const other = make("p", { class: "quiet", text: "Browsers do not show this kind: download it." });
    if (kind === "image") return make("img", { src: this.url, alt: "The result" });
    if (kind !== "video") return other;
    return make("video", { src: this.url, controls: true, loop: true, "aria-label": "The result", onloadedmetadata: () => this.root.scrollIntoView({ block: "nearest" }), onerror: ({ target }) => target.replaceWith(other) });
  }
}
