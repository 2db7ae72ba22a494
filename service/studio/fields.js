// One control for one option, made from its JSON schema. `value` is "" where the option is at its default, so that a
// request carries only what was chosen.

import { make } from "./dom.js";
import { words } from "./catalogue.js";

const FEW = 3;
const FINE_STEPS = 100;

/** `{element, value, set, offer}` for an option of the catalogue; calls `onChange` whenever its value changes. */
export const field = (option, onChange) => KINDS[kindOf(option.schema)](option, option.schema, onChange);

function kindOf({ type, enum: values, default: standard, ...schema }) {
  if (type === "boolean") return "boolean";
  if (values) return values.length <= FEW && standard !== undefined ? "few" : "many";
  if (["number", "integer"].includes(type)) return lowest(schema) !== undefined && highest(schema) !== undefined ? "range" : "number";
  return "text";
}

const lowest = (schema) => schema.minimum ?? schema.exclusiveMinimum;
const highest = (schema) => schema.maximum ?? schema.exclusiveMaximum;

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
    const control = make("div", { class: "strip", role: "radiogroup", "aria-label": words(option.name) },
      radios.map((radio) => make("label", {}, radio, make("span", { text: words(radio.value) }))));
    return finish(option, control, {
      get: () => unlessDefault(schema.default, radios.find((radio) => radio.checked).value),
      set: (value) => { for (const radio of radios) radio.checked = radio.value === chosenOf(schema, value); },
    });
  },

  many(option, schema, onChange) {
    const none = schema.default === undefined ? [make("option", { value: "", text: "Automatic" })] : [];
    const control = make("select", { onchange: onChange },
      none, schema.enum.map((value) => make("option", { value, text: value.includes("-") ? words(value) : value })));
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
    const control = make("input", { type: "range", min, max: schema.maximum ?? high - step, step });
    const shown = make("output");
    const show = () => { shown.textContent = control.value; };
    let isTouched = false;
    control.addEventListener("input", () => { isTouched = true; show(); onChange(); });
    return finish(option, control, {
      get: () => (isTouched ? unlessDefault(schema.default, control.value) : ""),
      set: (value) => { control.value = value || (schema.default ?? min); isTouched = value !== ""; show(); },
    }, "", shown);
  },

  number: (option, schema, onChange) => written(option, schema, onChange, {
    type: "number", step: schema.type === "integer" ? 1 : "any", min: schema.minimum, max: schema.maximum,
  }),

  text: (option, schema, onChange) => written(option, schema, onChange, { type: "text", spellcheck: "false" }),
};

/** Where there are several examples, they can be chosen from. */
function written(option, schema, onChange, attributes) {
  const { examples = [] } = schema;
  const control = make("input", { ...attributes, placeholder: examples.length ? `such as ${examples[0]}` : "", oninput: onChange });
  const made = finish(option, control, {
    get: () => unlessDefault(schema.default, control.value.trim()),
    set: (value) => { control.value = value || (schema.default ?? ""); },
  });
  if (examples.length > 1) {
    const list = make("datalist", { id: `${control.id}-values` }, examples.map((value) => make("option", { value })));
    control.setAttribute("list", list.id);
    made.element.append(list);
  }
  return made;
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
  const id = control.id = `field-${nextId()}`;
  const name = control.role === "radiogroup" ? make("span", { text: words(option.name) }) : make("label", { for: id, text: words(option.name) });
  const element = make("div", { class: `field ${layout}`, "data-option": option.name },
    make("div", { class: "field-head" }, name, option.description ? about(option, `about-${id}`) : null, shown), control);
  set("");
  return { element, set, get value() { return get(); } };
}

/** The description comes as Markdown; its backticks say no more than quotes would. */
function about({ name, description }, id) {
  return make("span", { class: "about-of" },
    make("button", { class: "about", type: "button", text: "?", "aria-label": `About ${words(name)}`, "aria-describedby": id }),
    make("span", { class: "tip", role: "tooltip", id, text: description.replaceAll("`", "") }));
}
