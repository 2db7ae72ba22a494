// Asks the service. Every failure is a Problem, whoever noticed it.

import { keyHeaders } from "./key.js";

/** A problem document (RFC 9457). `retryAfterS` is set where the service said when to come back. */
export class Problem extends Error {
  constructor(fields, retryAfterS = null) {
    super(fields.detail || fields.title);
    Object.assign(this, { status: 0, title: "Something went wrong", detail: "", code: "", request_id: "" }, fields);
    this.retryAfterS = retryAfterS;
  }
}

const UNREACHABLE = {
  title: "The service does not answer",
  detail: "It may have been stopped, or the network is gone.",
  code: "unreachable",
};

/** Where `path` is, also behind a proxy that puts the service below a path of its own. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

/** The response. Throws Problem, or AbortError where `signal` says so. */
export async function ask(path, init = {}) {
  let response;
  try {
    response = await fetch(address(path), { ...init, headers: { ...init.headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(UNREACHABLE);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const askJson = async (path, init) => (await ask(path, init)).json();

/** What `request` (see choices.js) asks for, done to `image`. */
export function askFor(request, image, init = {}) {
  const form = new FormData();
  form.append("image", image, image.name);
  for (const [name, value] of request.fields) form.append(name, value);
  for (const [name, file] of request.files) form.append(name, file, file.name);
  return ask(request.path, { method: "POST", body: form, ...init });
}

async function problemOf(response) {
  const retryAfterS = Number.parseInt(response.headers.get("Retry-After"), 10);
  const wait = Number.isNaN(retryAfterS) ? null : retryAfterS;
  try {
    return new Problem(await response.json(), wait);
  } catch {
    const status = response.status;
    return new Problem({ status, title: `The answer was ${status} ${response.statusText}`, code: `http_${status}` }, wait);
  }
}
