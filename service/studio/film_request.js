// What can be asked of a film.

import { formOf } from "./service.js";

/** As the service refuses them: they are of one photo's form or size. */
const NOT_OF_FILMS = ["effort", "crop", "margin", "hints"];

/** Each frame's edge refined by itself would tremble. */
const STEADY = { refine: "off" };

/** Live operations with other defaults, and the films' own options in the place of the form. */
export function filmEffects(operations, films) {
  const steady = (option) => (STEADY[option.name] ? { ...option, schema: { ...option.schema, default: STEADY[option.name] } } : option);
  return operations.filter(({ isLive }) => isLive).map((operation) => ({
    ...operation,
    options: [...operation.options.filter(({ name, isForm }) => !isForm && !NOT_OF_FILMS.includes(name)).map(steady), ...films.options],
  }));
}

export const filmForm = ({ path, fields, files }, film) => formOf([["video", film], ["effect", path.slice(1)], ...fields, ...files]);

/** What shows of one frame what the film will have. */
export function stillRequest({ request, has }, { options }) {
  const own = options.map(({ name }) => name);
  const isFastest = request.fields.some(([name, value]) => name === "speed" && value === "fastest");
  const standard = { ...STEADY, allow_empty: "true", ...(isFastest && has("decontaminate") ? { decontaminate: "false" } : {}) };
  const chosen = request.fields.filter(([name]) => !own.includes(name));
  return { ...request, fields: Object.entries({ ...standard, ...Object.fromEntries(chosen) }) };
}
