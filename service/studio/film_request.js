// What can be asked of a film: effects, with those of their options that make sense there, and how it is written.

/** As the service refuses them: they are of one photo's form or size. */
const NOT_OF_FILMS = ["effort", "crop", "margin", "hints"];

/** Each frame's edge refined by itself would tremble. */
const STEADY = { refine: "off" };

/** The live operations as they are for films: with other defaults, and the films' own options in the place of the form. */
export function filmEffects(operations, films) {
  const steady = (option) => (STEADY[option.name] ? { ...option, schema: { ...option.schema, default: STEADY[option.name] } } : option);
  return operations.filter(({ isLive }) => isLive).map((operation) => ({
    ...operation,
    options: [...operation.options.filter(({ name, isForm }) => !isForm && !NOT_OF_FILMS.includes(name)).map(steady), ...films.options],
  }));
}

/** The form of `POST /videos`. */
export function filmForm({ path, fields, files }, film) {
  const form = new FormData();
  form.append("video", film, film.name);
  for (const [name, value] of [["effect", path.slice(1)], ...fields]) form.append(name, value);
  for (const [name, file] of files) form.append(name, file, file.name);
  return form;
}

/** What shows of one frame what the film will have. */
export function stillRequest({ request, has }, { options }) {
  const own = options.map(({ name }) => name);
  const isFastest = request.fields.some(([name, value]) => name === "speed" && value === "fastest");
  const standard = { ...STEADY, allow_empty: "true", ...(isFastest && has("decontaminate") ? { decontaminate: "false" } : {}) };
  const chosen = request.fields.filter(([name]) => !own.includes(name));
  return { ...request, fields: Object.entries({ ...standard, ...Object.fromEntries(chosen) }) };
}
