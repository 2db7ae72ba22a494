// One control for one option, made from its JSON schema. `value` is "" where the option is at its default, so that a
// request carries only what was chosen.

import { make } from "./dom.js";
import { words } from "./catalogue.js";

const FEW = 3;
const FINE_STEPS = 100;

/** `{element, value, set, offer}` for an option of the catalogue; calls `onChange` whenever its value changes. */
export function field(option, onChange) {
  const { schema } = option;
  const kind = kindOf(schema);
  return KINDS[kind](option, schema, onChange);
}

function kindOf(schema) {
  if (schema.type === "boolean") return "boolean";
  if (schema.enum) return schema.enum.length <= FEW && schema.default !== undefined ? "few" : "many";
  if (["number", "integer"].includes(schema.type)) return isBounded(schema) ? "range" : "number";
  return "text";
}

const lowest = (schema) => schema.minimum ?? schema.exclusiveMinimum;
const highest = (schema) => schema.maximum ?? schema.exclusiveMaximum;
const isBounded = (schema) => lowest(schema) !== undefined && highest(schema) !== undefined;

const KINDS = {
  boolean(option, schema, onChange) {
    const standard = String(schema.default === true);
    const control = make("input", { type: "checkbox", class: "switch", role: "switch", onchange: onChange });
    return finish(option, control, {
      get: () => unlessDefault(standard, String(control.checked)),
      set: (value) => { control.checked = (value || standard) === "true"; },
    }, "row");
  },

  few(option, schema, onChange) {
    const group = `${option.name}-${nextId()}`;
    const radios = schema.enum.map((value) => make("input", { type: "radio", name: group, value, onchange: onChange }));
    const control = make("div", { class: "strip", role: "radiogroup" },
      radios.map((radio) => make("label", {}, radio, make("span", { text: words(radio.value) }))));
    return finish(option, control, {
      get: () => unlessDefault(schema.default, radios.find((radio) => radio.checked).value),
      set: (value) => radios.forEach((radio) => { radio.checked = radio.value === chosenOf(schema, value); }),
    });
  },

  many(option, schema, onChange) {
    const none = schema.default === undefined ? [make("option", { value: "", text: "Automatic" })] : [];
    const control = make("select", { onchange: onChange },
      none, schema.enum.map((value) => make("option", { value, text: value })));
    const made = finish(option, control, {
      get: () => unlessDefault(schema.default, control.value),
      set: (value) => { control.value = chosenOf(schema, value); },
    });
    return Object.assign(made, { offer: (values) => offer(control, values) });
  },

  range(option, schema, onChange) {
    const [low, high] = [lowest(schema), highest(schema)];
    const step = schema.type === "integer" ? 1 : schema.multipleOf ?? (high - low) / FINE_STEPS;
    const min = schema.minimum ?? low + step;
    const max = schema.maximum ?? high - step;
    const shown = make("output");
    const control = make("input", { type: "range", min, max, step });
    const show = () => { shown.textContent = control.value; };
    let isTouched = false;
    control.addEventListener("input", () => { isTouched = true; show(); onChange(); });
    return finish(option, control, {
      get: () => (isTouched ? unlessDefault(schema.default, control.value) : ""),
      set: (value) => { control.value = value || (schema.default ?? min); isTouched = value !== ""; show(); },
    }, "", shown);
  },

  number: (option, schema, onChange) => typed(option, schema, onChange, {
    type: "number", step: schema.type === "integer" ? 1 : "any", min: schema.minimum, max: schema.maximum,
  }),

  text: (option, schema, onChange) => typed(option, schema, onChange, { type: "text", spellcheck: "false" }),
};

function typed(option, schema, onChange, attributes) {
  const example = schema.examples?.[0];
  const control = make("input", { ...attributes, placeholder: example ? `such as ${example}` : "", oninput: onChange });
  const field = finish(option, control, {
    get: () => unlessDefault(schema.default, control.value.trim()),
    set: (value) => { control.value = value || (schema.default ?? ""); },
  });
  if (schema.examples?.length > 1) suggest(field.element, control, schema.examples);
  return field;
}

/** Values to choose from, where any other can be written. */
function suggest(element, control, values) {
  const list = make("datalist", { id: `${control.id}-values` }, values.map((value) => make("option", { value })));
  control.setAttribute("list", list.id);
  element.append(list);
}

/** The value where it is one of the option's; its default otherwise. */
const chosenOf = (schema, value) => (schema.enum.includes(value) ? value : schema.default ?? "");

const unlessDefault = (standard, value) => (String(standard ?? "") === value ? "" : value);

/** Only these can be chosen, the first of them without asking for it; one that cannot be any more is let go. */
function offer(select, [first, ...others]) {
  for (const option of select.options) option.hidden = option.disabled = option.value !== "" && !others.includes(option.value);
  select.options[0].text = first;
  if (select.selectedOptions[0]?.disabled) select.value = select.options[0].value;
}

let lastId = 0;
const nextId = () => (lastId += 1);

/** Puts the name before the control and what the service says of it behind a question mark. */
function finish(option, control, { get, set }, layout = "", shown = null) {
  const id = `field-${nextId()}`;
  const isGroup = control.getAttribute("role") === "radiogroup";
  control.id = id;
  if (isGroup) control.setAttribute("aria-label", words(option.name));
  const name = make(isGroup ? "span" : "label", { for: isGroup ? null : id, text: words(option.name) });
  const element = make("div", { class: `field ${layout}`, "data-option": option.name },
    make("div", { class: "field-head" }, name, about(option), shown), control);
  set("");
  return { element, set, get value() { return get(); } };
}

/** The description comes as Markdown; its backticks say no more than quotes would. */
function about(option) {
  if (!option.description) return null;
  const id = `about-${nextId()}`;
  const tip = make("span", { class: "tip", role: "tooltip", id, text: option.description.replaceAll("`", "") });
  const button = make("button", { class: "about", type: "button", text: "?", "aria-label": `About ${words(option.name)}`, "aria-describedby": id });
  return make("span", { class: "about-of" }, button, tip);
}
