// What the service can do, in its own words: operations and options from /openapi.json, models from /models.

import { askJson } from "./service.js";

const FORM = ["format", "quality", "compression", "allow_empty"];

/** `{operations, models, films}`; throws Problem. `films` says how those are written, as options of the form of their
 *  result, and what is not installed for them. */
export async function readCatalogue() {
  const [{ paths }, models] = await Promise.all([askJson("openapi.json"), askJson("models")]);
  const operations = Object.entries(paths).flatMap(([path, { post }]) => {
    const form = post?.requestBody?.content["multipart/form-data"]?.schema.properties;
    return post?.["x-icon"] ? [operationOf(path, post, Object.keys(form))] : [];
  });
  operations.sort((one, other) => hasSubject(other) - hasSubject(one));
  for (const operation of operations) operation.options = ordered(operation.options, operations);
  const films = paths["/videos"].post;
  const filmOptions = optionsOf(films).filter(({ name }) => name !== "effect").map((option) => ({ ...option, isForm: true }));
  return { operations, models, films: { options: filmOptions, missing: films["x-missing"] } };
}

/** What separates a subject from its background comes first. */
const hasSubject = ({ options }) => options.some(({ name }) => name === "keep");

const operationOf = (path, post, files) => ({
  path,
  name: words(path.slice(1).replace(/-background$/, "")),
  summary: post.summary,
  options: optionsOf(post),
  files: files.filter((file) => file !== "image"),
  icon: post["x-icon"],
  isLive: post["x-live"],
});

const optionsOf = ({ parameters }) => parameters.filter((parameter) => parameter.in === "query")
  .map(({ name, description, schema }) => ({ name, description, schema, isForm: FORM.includes(name) }));

/** `light_wrap` is "Light wrap". */
export function words(name) {
  const spaced = name.replaceAll(/[-_]/g, " ");
  return spaced[0].toUpperCase() + spaced.slice(1);
}

function ordered(options, operations) {
  const sharedBy = (name) => operations.filter((each) => each.options.some((option) => option.name === name)).length;
  const rank = ({ name, isForm }) => (isForm ? 2 : Number(sharedBy(name) >= operations.length / 2));
  return options.toSorted((one, other) => rank(one) - rank(other));
}
