// The operation, the model and the options that somebody chose, and the request that they make.

import { make } from "./dom.js";
import { iconOf } from "./icons.js";
import { field } from "./fields.js";
import { formatsOf, isRelevant } from "./relevance.js";
import { Backdrop } from "./backdrop.js";

/** Options with a control of their own: the model list, the legend and the background. */
const SPECIAL = ["model", "keep", "classes", "color"];

const FIRST = "/remove-background";

const FIRST_COLORS = { "/replace-background": "#1e90ff", "/product-shot": "#ffffff" };

/** What is chosen to begin with, where the service's own default shows a person little: class ids are nearly black. */
const FIRST_CHOICES = { "/segment output": "overlay" };

export class Choices {
  /** Fills `root`. `onChange` hears of each change; `accepts(operation, option)` says what is on offer, `first` is the
   *  path of the operation to begin with, and `homes` are the places of controls that are not in `root`, by option. */
  constructor(root, { operations, models }, onChange, { accepts = () => true, first = FIRST, homes = {} } = {}) {
    this.operations = operations;
    this.models = models;
    this.onChange = () => onChange();
    this.accepts = accepts;
    this.homes = homes;
    this.kept = null;
    this.chosen = new Map(Object.entries(FIRST_CHOICES));
    this.backdrop = new Backdrop(() => this.#changed());
    this.operation = operations.find(({ path }) => path === first) ?? operations[0];
    this.body = make("div", { class: "choices" });
    root.replaceChildren(make("div", { class: "choices" }, this.#operationStrip(), this.#modelField(), this.body));
    this.#offerModels();
    this.#showOptions();
  }

  /** `{path, fields, files}`; fields are only those that differ from the service's defaults. `choices` is for `use`. */
  get request() {
    const fields = [...this.#special(), ...this.#chosen()];
    const choices = { model: this.wishedModel, kept: this.kept, chosen: new Map(this.chosen), backdrop: this.backdrop.choice };
    return { path: this.operation.path, fields, files: this.#files(), isSmooth: this.backdrop.isSmooth, choices };
  }

  /** Everything as it was when `request` was made, here or on another tab. */
  use({ path, choices }) {
    const { model, kept, chosen, backdrop } = choices;
    Object.assign(this, { wishedModel: model, chosen: new Map(chosen) });
    this.backdrop.use(backdrop);
    this.operation = this.operations.find((each) => each.path === path) ?? this.operation;
    for (const radio of this.strip.querySelectorAll("input")) radio.checked = radio.value === this.operation.path;
    this.#offerModels();
    this.kept = kept;
    this.#showOptions();
    this.onChange();
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

  /** Offers what `accepts` takes by now. */
  refresh() { this.#showOptions(); }

  /** Chooses a value for an option of this operation, as a person would. */
  choose(name, value) {
    this.fields.find((each) => each.name === name)?.control.set(value);
    this.#remember(name, value);
    this.#changed();
  }

  /** Everything as it was to begin with, but for the operation. */
  reset() {
    this.chosen = new Map(Object.entries(FIRST_CHOICES));
    this.#showOptions();
    this.useStandardModel();
  }

  useStandardModel() {
    this.wishedModel = this.models[0].name;
    this.kept = null;
    this.#offerModels();
    this.#changed();
  }

  /** An option's default, as text. */
  standard = (name) => String(this.operation.options.find((option) => option.name === name)?.schema.default ?? "");

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
    return this.fields.filter(({ isHidden }) => !isHidden).map(({ name, control }) => [name, control.value]).filter(([, value]) => value !== "");
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
    this.wishedModel = this.modelSelect.value;
    this.modelSelect.addEventListener("change", () => { this.wishedModel = this.modelSelect.value; this.kept = null; this.#changed(); });
    return make("div", { class: "field", "data-option": "model" },
      make("div", { class: "field-head" }, make("label", { for: this.modelSelect.id, text: "Model" })), this.modelSelect);
  }

  /** Two models together answer for a subject, and for nothing else. */
  #offerModels() {
    const offered = this.models.map(({ parts }) => this.has("keep") || !parts.length);
    [...this.modelSelect.options].forEach((option, index) => { option.disabled = !offered[index]; });
    const before = this.modelSelect.value;
    const wished = this.models.findIndex(({ name }) => name === this.wishedModel);
    this.modelSelect.selectedIndex = offered[wished] ? wished : offered.indexOf(true);
    if (this.modelSelect.value !== before) this.kept = null;
  }

  #useOperation(operation) {
    this.operation = operation;
    if (FIRST_COLORS[operation.path]) this.backdrop.suggest(FIRST_COLORS[operation.path]);
    this.#offerModels();
    this.#showOptions();
  }

  #showOptions() {
    const options = this.operation.options.filter((option) => !SPECIAL.includes(option.name) && this.accepts(this.operation, option));
    this.fields = options.map((option) => this.#field(option));
    const elements = (isForm) => this.fields.filter((each) => each.isForm === isForm && !this.homes[each.name]).map(({ control }) => control.element);
    for (const [name, home] of Object.entries(this.homes)) {
      home.replaceChildren(...this.fields.filter((each) => each.name === name).map(({ control }) => control.element));
    }
    this.more = this.#more(elements(true));
    this.body.replaceChildren(
      make("p", { class: "quiet small", text: `${this.operation.summary}.` }),
      make("div", { class: "fields" }, this.has("color") ? [this.backdrop.element] : [], elements(false)),
      ...this.more);
    this.#showRelevant();
  }

  /** What was chosen before stays chosen where it still applies. */
  #field(option) {
    const control = field(option, () => { this.#remember(option.name, control.value); this.#changed(); });
    control.set(this.chosen.get(this.#memory(option.name)) ?? "");
    return { name: option.name, isForm: option.isForm, control };
  }

  #remember(name, value) { this.chosen.set(this.#memory(name), value); }

  /** The outputs of one operation say nothing of another's. */
  #memory = (name) => (name === "output" ? `${this.operation.path} output` : name);

  #changed() {
    this.#showRelevant();
    this.onChange();
  }

  #showRelevant() {
    const values = this.#values();
    for (const each of this.fields) {
      if (each.name === "format") each.control.offer(formatsOf(values));
      each.isHidden = !isRelevant(each.name, values);
      each.control.element.hidden = each.isHidden;
    }
    for (const details of this.more) details.hidden = !details.querySelector(".field:not([hidden])");
  }

  /** Of every option, what it has now. */
  #values() {
    const chosen = Object.fromEntries(this.fields.map(({ name, control }) => [name, control.value || this.standard(name)]));
    const color = this.has("color") ? this.backdrop.color : undefined;
    return { ...chosen, path: this.operation.path, head: this.model.head, color, hasPicture: Boolean(this.backdrop.file) };
  }

  #more(elements) {
    if (!elements.length) return [];
    return [make("details", {}, make("summary", { text: "Format of the result" }), make("div", { class: "fields" }, elements))];
  }
}
