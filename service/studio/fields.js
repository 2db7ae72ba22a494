// One control for one option, made from its JSON schema. `value` is "" where the option is at its default.

import { make } from "./dom.js";
import { words } from "./catalogue.js";

const FEW = 3;
const FINE_STEPS = 100;

let lastId = 0;

/** `{element, value, set, offer}` for an option of the catalogue. */
export function field(option, onChange) {
  const { schema } = option;
  const standard = String(schema.default ?? "");
  const { control, get, set, offer, shown, list, layout = "" } = KINDS[kindOf(schema)](schema, onChange, option.name);
  const element = make("div", { class: `field ${layout}`, "data-option": option.name }, head(option, control, shown), control, list);
  set("");
  return { element, set, offer, get value() { return get() === standard ? "" : get(); } };
}

function kindOf({ type, enum: values, default: standard, ...schema }) {
  if (type === "boolean") return "boolean";
  if (values) return values.length <= FEW && standard !== undefined ? "few" : "many";
  if (["number", "integer"].includes(type)) return lowest(schema) !== undefined && highest(schema) !== undefined ? "range" : "number";
  return "text";
}

const lowest = (schema) => schema.minimum ?? schema.exclusiveMinimum;
const highest = (schema) => schema.maximum ?? schema.exclusiveMaximum;

/** `get()` and `set(value)` deal in text; "" sets the default. */
const KINDS = {
  boolean(schema, onchange) {
    const control = make("input", { type: "checkbox", class: "switch", role: "switch", onchange });
    const standard = schema.default === true;
    const set = (value) => { control.checked = value ? value === "true" : standard; };
    return { control, get: () => (control.checked === standard ? "" : String(control.checked)), set, layout: "row" };
  },

  few(schema, onchange, option) {
    const name = `${option}-${lastId += 1}`;
    const radios = schema.enum.map((value) => make("input", { type: "radio", name, value, onchange }));
    const control = make("div", { class: "strip", role: "radiogroup", "aria-label": words(option) },
      radios.map((radio) => make("label", {}, radio, make("span", { text: words(radio.value) }))));
    const set = (value) => { for (const radio of radios) radio.checked = radio.value === chosenOf(schema, value); };
    return { control, get: () => radios.find((radio) => radio.checked).value, set };
  },

  many(schema, onchange) {
    const none = schema.default === undefined ? [make("option", { value: "", text: schema["x-values"] ? "None" : "Automatic" })] : [];
    const control = make("select", { onchange },
      none, schema.enum.map((value) => make("option", { value, text: value.includes("-") ? words(value) : value })));
    const set = (value) => { control.value = chosenOf(schema, value); };
    return { control, get: () => control.value, set, offer: (values) => offer(control, values) };
  },

  range(schema, onChange) {
    const [low, high] = [lowest(schema), highest(schema)];
    const step = schema.type === "integer" ? 1 : schema.multipleOf ?? (high - low) / FINE_STEPS;
    const min = schema.minimum ?? low + step;
    const shown = make("output");
    let isTouched = false;
    const show = (isByHand) => { isTouched = isByHand; shown.textContent = control.value; };
    const control = make("input", { type: "range", min, max: schema.maximum ?? high - step, step, oninput: () => { show(true); onChange(); } });
    const set = (value) => { control.value = value || (schema.default ?? min); show(value !== ""); };
    return { control, get: () => (isTouched ? control.value : ""), set, shown };
  },

  number: (schema, oninput) => written(schema, { oninput, type: "number", step: schema.type === "integer" ? 1 : "any", min: schema.minimum, max: schema.maximum }),

  text: (schema, oninput) => written(schema, { oninput, type: "text", spellcheck: "false" }),
};

function written({ default: standard = "", examples = [] }, attributes) {
  const id = `examples-${lastId += 1}`;
  const control = make("input", { ...attributes, placeholder: examples.length ? `such as ${examples[0]}` : "", list: id });
  const list = make("datalist", { id }, examples.length > 1 ? examples.map((value) => make("option", { value })) : []);
  return { control, list, get: () => control.value.trim(), set: (value) => { control.value = value || standard; } };
}

const chosenOf = (schema, value) => (schema.enum.includes(value) ? value : schema.default ?? "");

/** Only these can be chosen, the first of them without asking for it; one that cannot be any more is let go. */
function offer(select, [first, ...others]) {
  for (const option of select.options) option.hidden = option.disabled = option.value !== "" && !others.includes(option.value);
  select.options[0].text = first;
  if (select.selectedOptions[0]?.disabled) select.value = select.options[0].value;
}

/** The name of a control, and what the service says of it behind a question mark. */
function head({ name, description }, control, shown) {
  const id = control.id = `field-${lastId += 1}`;
  const label = control.role === "radiogroup" ? make("span", { text: words(name) }) : make("label", { for: id, text: words(name) });
  return make("div", { class: "field-head" }, label, description ? about(words(name), description, `about-${id}`) : null, shown);
}

/** The description comes as Markdown; its backticks say no more than quotes would. */
const about = (name, description, id) => make("span", { class: "about-of" },
  make("button", { class: "about", type: "button", text: "?", "aria-label": `About ${name}`, "aria-describedby": id }),
  make("span", { class: "tip", role: "tooltip", id, text: description.replaceAll("`", "") }));
