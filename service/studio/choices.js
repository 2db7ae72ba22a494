// The operation, the model and the options that somebody chose, and the request that they make.

import { copyOf, make } from "./dom.js";
import { iconOf } from "./icons.js";
import { field } from "./fields.js";
import { formatsOf, isRelevant } from "./relevance.js";
import { Backdrop } from "./backdrop.js";

/** They have a control of their own: the model list, the legend and the background. */
const SPECIAL = ["model", "keep", "classes", "color"];

const FIRST_COLORS = { "/replace-background": "#1e90ff", "/product-shot": "#ffffff" };

/** Where the service's own default shows a person little: class ids are nearly black. */
const FIRST_CHOICES = { "/segment output": "overlay" };

export class Choices {
  /** `accepts(operation, option)` says what is on offer, `first` is the path to begin with, and `homes` are the places of
   *  controls that are not in `root`. */
  constructor(root, { operations, models }, onChange, { accepts = () => true, first = "/remove-background", homes = {} } = {}) {
    Object.assign(this, { operations, models, accepts, homes, kept: null, onChange: () => onChange() }, copyOf("choices"));
    this.chosen = new Map(Object.entries(FIRST_CHOICES));
    this.backdrop = new Backdrop(() => this.#changed());
    this.operation = operations.find(({ path }) => path === first) ?? operations[0];
    this.strip.append(...operations.map((operation) => this.#tile(operation)));
    this.modelSelect.append(...models.map(({ name, title }) => make("option", { value: name, text: `${name}: ${title}` })));
    this.modelSelect.addEventListener("change", () => this.#useModel(this.modelSelect.value));
    this.wishedModel = this.modelSelect.value;
    root.replaceChildren(this.element);
    this.#showOperation();
  }

  /** `{path, fields, files}`; fields are only those that differ from the service's defaults. `choices` is for `use`. */
  get request() {
    const { operation: { path, files }, backdrop, wishedModel: model, kept } = this;
    const choices = { model, kept, chosen: new Map(this.chosen), backdrop: backdrop.choice };
    const background = files.includes("background") && backdrop.file ? [["background", backdrop.file]] : [];
    return { path, fields: [...this.#special(), ...this.#differing()], files: background, isSmooth: backdrop.isSmooth, choices };
  }

  /** Everything as it was when a request was made, here or on another tab. */
  use({ path, choices }) {
    const { model, kept, chosen, backdrop } = choices;
    Object.assign(this, { wishedModel: model, chosen: new Map(chosen) });
    this.backdrop.use(backdrop);
    this.operation = this.operations.find((each) => each.path === path) ?? this.operation;
    for (const radio of this.strip.querySelectorAll("input")) radio.checked = radio.value === this.operation.path;
    this.#showOperation();
    this.keepClasses(kept);
  }

  /** The model that will answer. */
  get model() { return this.models.find(({ name }) => name === this.modelSelect.value) ?? this.models[0]; }

  keepClasses(names) {
    this.kept = names;
    this.onChange();
  }

  /** Chooses a value for an option of this operation, as a person would. */
  choose(name, value) {
    this.#field(name)?.set(value);
    this.#remember(name, value);
    this.#changed();
  }

  /** Everything as it was to begin with, but for the operation. */
  reset() {
    this.chosen = new Map(Object.entries(FIRST_CHOICES));
    this.showOptions();
    this.useStandardModel();
  }

  useStandardModel() { this.#useModel(this.models[0].name); }

  /** What an option has where it is not in a request, as text: by the preset, or by default. */
  standard = (name) => String(this.#preset()[name] ?? this.#default(name));

  has = (name) => Boolean(this.#schema(name));

  /** What was chosen before stays chosen. */
  showOptions() {
    const options = this.operation.options.filter((option) => !SPECIAL.includes(option.name) && this.accepts(this.operation, option));
    this.fields = options.map((option) => {
      const made = field(option, () => this.#pick(option.name, made.value));
      made.set(this.chosen.get(this.#memory(option.name)) ?? "");
      return Object.assign(made, { name: option.name, isForm: option.isForm });
    });
    const { body = [], form = [], ...atHome } = Object.groupBy(this.fields, ({ name, isForm }) => (this.homes[name] ? name : isForm ? "form" : "body"));
    const elementsOf = (fields) => fields.map(({ element }) => element);
    for (const [name, home] of Object.entries(this.homes)) home.replaceChildren(...elementsOf(atHome[name] ?? []));
    this.body.replaceChildren(...(this.has("color") ? [this.backdrop.element] : []), ...elementsOf(body));
    this.form.replaceChildren(...elementsOf(form));
    this.summary.textContent = `${this.operation.summary}.`;
    this.#showRelevant();
  }

  #schema = (name) => this.operation.options.find((option) => option.name === name)?.schema;

  #default = (name) => this.#schema(name)?.default ?? "";

  #field = (name) => this.fields?.find((each) => each.name === name);

  #preset = () => this.#schema("preset")?.["x-values"]?.[this.#field("preset")?.value] ?? {};

  #special() {
    const names = this.kept?.join(",");
    const classes = ["keep", "classes"].find(this.has);
    // Which model is the default depends on the operation only where it has no subject to keep.
    const saysModel = !this.model.default || !this.has("keep");
    return [
      ...(saysModel ? [["model", this.model.name]] : []),
      ...(this.has("color") && this.backdrop.color ? [["color", this.backdrop.color]] : []),
      ...(names && classes ? [[classes, names]] : []),
    ];
  }

  #differing() {
    const shown = this.fields.filter(({ isHidden }) => !isHidden);
    return shown.map((each) => [each.name, this.#valueOf(each)]).filter(([name, value]) => value !== this.standard(name));
  }

  #valueOf = ({ name, value }) => value || String(this.#default(name));

  #tile(operation) {
    const use = () => {
      this.operation = operation;
      this.#showOperation();
      this.onChange();
    };
    const radio = make("input", { type: "radio", name: `operation-${this.backdrop.group}`, value: operation.path, checked: operation === this.operation, onchange: use });
    return make("label", { title: operation.summary }, radio, make("span", {}, iconOf(operation), operation.name));
  }

  #useModel(name) {
    Object.assign(this, { wishedModel: name, kept: null });
    this.#offerModels();
    this.#changed();
  }

  /** Two models together answer for a subject, and for nothing else. */
  #offerModels() {
    const before = this.modelSelect.value;
    const offered = this.models.filter(({ parts }) => this.has("keep") || !parts.length);
    for (const option of this.modelSelect.options) option.disabled = !offered.some(({ name }) => name === option.value);
    this.modelSelect.value = (offered.find(({ name }) => name === this.wishedModel) ?? offered[0]).name;
    if (this.modelSelect.value !== before) this.kept = null;
  }

  #showOperation() {
    const color = FIRST_COLORS[this.operation.path];
    if (color) this.backdrop.suggest(color);
    this.#offerModels();
    this.showOptions();
  }

  /** A preset shows in the options that it chooses. */
  #pick(name, value) {
    this.#remember(name, value);
    const presets = name === "preset" ? Object.values(this.#schema(name)["x-values"] ?? {}) : [];
    for (const option of new Set(presets.flatMap(Object.keys))) {
      this.#remember(option, this.#preset()[option] ?? "");
      this.#field(option)?.set(this.#preset()[option] ?? "");
    }
    this.#changed();
  }

  #remember(name, value) { this.chosen.set(this.#memory(name), value); }

  /** The outputs of one operation say nothing of another's. */
  #memory = (name) => (name === "output" ? `${this.operation.path} output` : name);

  #changed() {
    this.#showRelevant();
    this.onChange();
  }

  #showRelevant() {
    const { operation: { path }, model: { head }, backdrop: { color, file } } = this;
    const chosen = Object.fromEntries(this.fields.map((each) => [each.name, this.#valueOf(each)]));
    const values = { ...chosen, path, head, color: this.has("color") ? color : undefined, hasPicture: Boolean(file) };
    for (const each of this.fields) {
      if (each.name === "format") each.offer(formatsOf(values));
      each.element.hidden = each.isHidden = !isRelevant(each.name, values);
    }
    this.more.hidden = !this.form.querySelector(".field:not([hidden])");
  }
}
