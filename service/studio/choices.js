// The operation, the model and the options that somebody chose, and the request that they make.

import { make } from "./dom.js";
import { iconOf } from "./icons.js";
import { field } from "./fields.js";
import { formatsOf, isRelevant } from "./relevance.js";
import { Backdrop } from "./backdrop.js";

/** Options with a control of their own: the model list, the legend and the background. */
const SPECIAL = ["model", "keep", "classes", "color"];

const FIRST_COLORS = { "/replace-background": "#1e90ff", "/product-shot": "#ffffff" };

/** What is chosen to begin with, where the service's own default shows a person little: class ids are nearly black. */
const FIRST_CHOICES = { "/segment output": "overlay" };

export class Choices {
  /** Fills `root`. `onChange` hears of each change; `accepts(operation, option)` says what is on offer, `first` is the
   *  path of the operation to begin with, and `homes` are the places of controls that are not in `root`, by option. */
  constructor(root, { operations, models }, onChange, { accepts = () => true, first = "/remove-background", homes = {} } = {}) {
    Object.assign(this, { operations, models, accepts, homes, kept: null, onChange: () => onChange() });
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
    const choices = { model: this.wishedModel, kept: this.kept, chosen: new Map(this.chosen), backdrop: this.backdrop.choice };
    return { path: this.operation.path, fields: [...this.#special(), ...this.#chosen()], files: this.#files(), isSmooth: this.backdrop.isSmooth, choices };
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
  get model() { return this.models.find(({ name }) => name === this.modelSelect.value) ?? this.models[0]; }

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

  /** What an option has where it is not in a request, as text: by the preset, or by default. */
  standard = (name) => String(this.#preset()[name] ?? this.#schema(name)?.default ?? "");

  has = (name) => Boolean(this.#schema(name));

  #schema = (name) => this.operation.options.find((option) => option.name === name)?.schema;

  #preset = () => this.#schema("preset")?.["x-values"]?.[this.#field("preset")?.control.value] ?? {};

  #field = (name) => this.fields?.find((each) => each.name === name);

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

  #chosen() {
    return this.fields.filter(({ isHidden }) => !isHidden)
      .map(({ name, control }) => [name, control.value || String(this.#schema(name).default ?? "")])
      .filter(([name, value]) => value !== this.standard(name));
  }

  #files() {
    const { file } = this.backdrop;
    return this.operation.files.includes("background") && file ? [["background", file]] : [];
  }

  #operationStrip() {
    const tile = (operation) => make("label", { title: operation.summary },
      make("input", {
        type: "radio", name: `operation-${this.backdrop.group}`, value: operation.path,
        checked: operation === this.operation, onchange: () => { this.#useOperation(operation); this.onChange(); },
      }),
      make("span", {}, iconOf(operation), operation.name));
    this.strip = make("div", { class: "strip tiles", role: "radiogroup", "aria-label": "What to do" }, this.operations.map(tile));
    return this.strip;
  }

  #modelField() {
    const id = `model-${this.backdrop.group}`;
    this.modelSelect = make("select", { id, onchange: () => { this.wishedModel = this.modelSelect.value; this.kept = null; this.#changed(); } },
      this.models.map(({ name, title }) => make("option", { value: name, text: `${name}: ${title}` })));
    this.wishedModel = this.modelSelect.value;
    return make("div", { class: "field", "data-option": "model" },
      make("div", { class: "field-head" }, make("label", { for: id, text: "Model" })), this.modelSelect);
  }

  /** Two models together answer for a subject, and for nothing else. */
  #offerModels() {
    const before = this.modelSelect.value;
    const offered = this.models.filter(({ parts }) => this.has("keep") || !parts.length);
    for (const option of this.modelSelect.options) option.disabled = !offered.some(({ name }) => name === option.value);
    this.modelSelect.value = (offered.find(({ name }) => name === this.wishedModel) ?? offered[0]).name;
    if (this.modelSelect.value !== before) this.kept = null;
  }

  #useOperation(operation) {
    this.operation = operation;
    if (FIRST_COLORS[operation.path]) this.backdrop.suggest(FIRST_COLORS[operation.path]);
    this.#offerModels();
    this.#showOptions();
  }

  /** What was chosen before stays chosen where it still applies. */
  #showOptions() {
    const options = this.operation.options.filter((option) => !SPECIAL.includes(option.name) && this.accepts(this.operation, option));
    this.fields = options.map((option) => {
      const control = field(option, () => this.#pick(option.name, control));
      control.set(this.chosen.get(this.#memory(option.name)) ?? "");
      return { name: option.name, isForm: option.isForm, control };
    });
    const elementsOf = (isWanted) => this.fields.filter(isWanted).map(({ control }) => control.element);
    const ofForm = elementsOf(({ name, isForm }) => isForm && !this.homes[name]);
    for (const [home, element] of Object.entries(this.homes)) element.replaceChildren(...elementsOf(({ name }) => name === home));
    this.more = make("details", {}, make("summary", { text: "Format of the result" }), make("div", { class: "fields" }, ofForm));
    this.body.replaceChildren(
      make("p", { class: "quiet small", text: `${this.operation.summary}.` }),
      make("div", { class: "fields" }, this.has("color") ? [this.backdrop.element] : [], elementsOf(({ name, isForm }) => !isForm && !this.homes[name])),
      this.more);
    this.#showRelevant();
  }

  /** A preset shows in the options that it chooses. */
  #pick(name, control) {
    this.#remember(name, control.value);
    if (name === "preset") {
      const presets = Object.values(this.#schema("preset")["x-values"] ?? {});
      for (const option of new Set(presets.flatMap(Object.keys))) {
        this.#remember(option, this.#preset()[option] ?? "");
        this.#field(option)?.control.set(this.#preset()[option] ?? "");
      }
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
    const values = this.#values();
    for (const each of this.fields) {
      if (each.name === "format") each.control.offer(formatsOf(values));
      each.control.element.hidden = each.isHidden = !isRelevant(each.name, values);
    }
    this.more.hidden = !this.more.querySelector(".field:not([hidden])");
  }

  /** Of every option, what it has now. */
  #values() {
    const chosen = Object.fromEntries(this.fields.map(({ name, control }) => [name, control.value || String(this.#schema(name).default ?? "")]));
    const color = this.has("color") ? this.backdrop.color : undefined;
    return { ...chosen, path: this.operation.path, head: this.model.head, color, hasPicture: Boolean(this.backdrop.file) };
  }
}
