// Asks the service. Every failure is a Problem, whoever noticed it.

import { keyHeaders } from "./key.js";

/** A problem document (RFC 9457). `retryAfterS` is set where the service said when to come back. */
export class Problem extends Error {
  constructor(fields, retryAfterS = null) {
    super(fields.detail || fields.title);
    Object.assign(this, { status: 0, title: "Something went wrong", detail: "", code: "", request_id: "" }, fields, { retryAfterS });
  }

  static ofPage = (error) => new Problem({ title: "The page failed", detail: String(error), code: "page" });
}

const UNREACHABLE = { title: "The service does not answer", detail: "It may have been stopped, or the network is gone.", code: "unreachable" };

/** Where `path` is, also behind a proxy that puts the service below a path of its own. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

/** The response. Throws Problem, or AbortError where `signal` says so. */
export async function ask(path, init = {}) {
  const response = await fetch(address(path), { ...init, headers: { ...init.headers, ...keyHeaders() } }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem(UNREACHABLE);
  });
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
  const { status, statusText } = response;
  const waitS = Number.parseInt(response.headers.get("Retry-After"), 10);
  const fields = await response.json().catch(() => ({ status, title: `The answer was ${status} ${statusText}`, code: `http_${status}` }));
  return new Problem(fields, Number.isNaN(waitS) ? null : waitS);
}
