// The operation, the model and the options that somebody chose, and the request that they make.

import { make } from "./dom.js";
import { iconOf } from "./icons.js";
import { field } from "./fields.js";
import { Backdrop } from "./backdrop.js";

/** Options with a control of their own: the model list, the legend and the background. */
const SPECIAL = ["model", "keep", "classes", "color"];

const FIRST = "/remove-background";

export class Choices {
  /** Fills `root`. `onChange` hears of each change; `accepts(operation, option)` says what is on offer, and `first` is
   *  the path of the operation to begin with. */
  constructor(root, { operations, models }, onChange, { accepts = () => true, first = FIRST } = {}) {
    this.operations = operations;
    this.models = models;
    this.onChange = () => onChange();
    this.accepts = accepts;
    this.kept = null;
    this.backdrop = new Backdrop(this.onChange);
    this.operation = operations.find(({ path }) => path === first) ?? operations[0];
    this.body = make("div", { class: "choices" });
    root.replaceChildren(make("div", { class: "choices" }, this.#operationStrip(), this.#modelField(), this.body));
    this.#offerModels();
    this.#showOptions();
  }

  /** `{path, fields, files}`; fields are only those that differ from the service's defaults. */
  get request() {
    const fields = [...this.#special(), ...this.#chosen()];
    return { path: this.operation.path, fields, files: this.#files() };
  }

  /** The model that will answer. */
  get model() {
    return this.models.find(({ name }) => name === this.modelSelect.value) ?? this.models[0];
  }

  /** The classes that are the subject, by name; null for the model's own choice. */
  keepClasses(names) {
    this.kept = names;
    this.onChange();
  }

  /** Goes to the operation that takes a background, and gives it this picture. */
  useBackground(file) {
    const operation = this.operations.find(({ files }) => files.includes("background"));
    this.strip.querySelector(`input[value="${operation.path}"]`).checked = true;
    this.#useOperation(operation);
    this.backdrop.usePicture(file);
  }

  /** Offers what `accepts` takes by now. */
  refresh() { this.#showOptions(); }

  has = (name) => this.operation.options.some((option) => option.name === name);

  #special() {
    const names = this.kept?.join(",");
    const classes = ["keep", "classes"].find(this.has);
    const needsColor = this.has("color") && this.backdrop.color;
    return [
      ...(this.#saysModel() ? [["model", this.model.name]] : []),
      ...(needsColor ? [["color", this.backdrop.color]] : []),
      ...(names && classes ? [[classes, names]] : []),
    ];
  }

  /** Which model is the default depends on the operation only where it has no subject to keep. */
  #saysModel() {
    return !this.model.default || !this.has("keep");
  }

  #chosen() {
    return this.fields.map(({ name, control }) => [name, control.value]).filter(([, value]) => value !== "");
  }

  #files() {
    const takesPicture = this.operation.files.includes("background") && this.backdrop.file;
    return takesPicture ? [["background", this.backdrop.file]] : [];
  }

  #operationStrip() {
    const radios = this.operations.map((operation) => make("input", {
      type: "radio", name: `operation-${this.backdrop.group}`, value: operation.path,
      checked: operation === this.operation, onchange: () => { this.#useOperation(operation); this.onChange(); },
    }));
    const tile = (radio, operation) => make("label", { title: operation.summary }, radio, make("span", {}, iconOf(operation), operation.name));
    this.strip = make("div", { class: "strip tiles", role: "radiogroup", "aria-label": "What to do" },
      radios.map((radio, index) => tile(radio, this.operations[index])));
    return this.strip;
  }

  #modelField() {
    this.modelSelect = make("select", { id: `model-${this.backdrop.group}` },
      this.models.map(({ name, title }) => make("option", { value: name, text: `${name}: ${title}` })));
    this.modelSelect.addEventListener("change", () => { this.kept = null; this.onChange(); });
    return make("div", { class: "field", "data-option": "model" },
      make("div", { class: "field-head" }, make("label", { for: this.modelSelect.id, text: "Model" })), this.modelSelect);
  }

  /** Two models together answer for a subject, and for nothing else. */
  #offerModels() {
    const offered = this.models.map(({ parts }) => this.has("keep") || !parts.length);
    [...this.modelSelect.options].forEach((option, index) => { option.disabled = !offered[index]; });
    if (!offered[this.modelSelect.selectedIndex]) this.modelSelect.selectedIndex = offered.indexOf(true);
  }

  #useOperation(operation) {
    this.operation = operation;
    this.#offerModels();
    this.#showOptions();
  }

  #showOptions() {
    const options = this.operation.options.filter((option) => !SPECIAL.includes(option.name) && this.accepts(this.operation, option));
    this.fields = options.map((option) => ({ name: option.name, isForm: option.isForm, control: field(option, this.onChange) }));
    const elements = (isForm) => this.fields.filter((each) => each.isForm === isForm).map(({ control }) => control.element);
    this.body.replaceChildren(
      make("p", { class: "quiet small", text: `${this.operation.summary}.` }),
      make("div", { class: "fields" }, this.has("color") ? [this.backdrop.element] : [], elements(false)),
      ...this.#more(elements(true)));
  }

  #more(elements) {
    if (!elements.length) return [];
    return [make("details", {}, make("summary", { text: "Format of the result" }), make("div", { class: "fields" }, elements))];
  }
}
