// What the service can do, in its own words: operations and options from /openapi.json, models from /models.

import { askJson } from "./service.js";

/** `{operations, models, films}`; throws Problem. */
export async function readCatalogue() {
  const [document, models] = await Promise.all([askJson("openapi.json"), askJson("models")]);
  return { operations: operationsOf(document), models, films: filmsOf(document.paths["/videos"].post) };
}

/** How films are written, as options of the form of their result; `missing` says what is not installed for them. */
const filmsOf = (post) => ({
  options: optionsOf(post).filter(({ name }) => name !== "effect").map((option) => ({ ...option, isForm: true })),
  missing: post["x-missing"],
});

const optionsOf = ({ parameters }) => parameters.filter((parameter) => parameter.in === "query")
  .map(({ name, description, schema }) => ({ name, description, schema }));

/** Every operation of the table (a batch takes images as well), as `{path, name, summary, options, files, icon, isLive}`. */
function operationsOf(document) {
  const operations = Object.entries(document.paths).flatMap(([path, { post }]) => {
    const form = post?.requestBody?.content["multipart/form-data"]?.schema.properties;
    return post?.["x-icon"] ? [operationOf(path, post, Object.keys(form))] : [];
  });
  operations.sort((one, other) => hasSubject(other) - hasSubject(one));
  return operations.map((operation) => ({ ...operation, options: ordered(operation.options, operations) }));
}

/** What separates a subject from its background comes first. */
const hasSubject = ({ options }) => options.some(({ name }) => name === "keep");

function operationOf(path, post, files) {
  return {
    path,
    name: shortName(path),
    summary: post.summary,
    options: optionsOf(post),
    files: files.filter((file) => file !== "image"),
    icon: post["x-icon"],
    isLive: post["x-live"],
  };
}

/** `/blur-background` is "Blur". */
const shortName = (path) => words(path.slice(1).replace(/-background$/, ""));

/** `light_wrap` is "Light wrap". */
export function words(name) {
  const spaced = name.replaceAll(/[-_]/g, " ");
  return spaced[0].toUpperCase() + spaced.slice(1);
}

/** How a result is written, and not what is in it. */
const FORM = ["format", "quality", "compression", "allow_empty"];

/** An operation's own options first, then those of its kind, then its form. */
function ordered(options, operations) {
  const sharedBy = (name) => operations.filter((each) => each.options.some((option) => option.name === name)).length;
  const isShared = (name) => sharedBy(name) > operations.length / 2;
  const rank = ({ name, isForm }) => (isForm ? 2 : Number(isShared(name)));
  const marked = options.map((option) => ({ ...option, isForm: FORM.includes(option.name) }));
  return marked.sort((one, other) => rank(one) - rank(other));
}
