// Asks the service. Every failure is a Problem, whoever noticed it.

import { keyHeaders } from "./key.js";

/** For what people do not wait for at this moment (RFC 9218). */
export const UNHURRIED = { Priority: "u=5" };

/** A problem document (RFC 9457). `retryAfterS` is set where the service said when to come back. */
export class Problem extends Error {
  constructor(fields, retryAfterS = null) {
    super(fields.detail || fields.title);
    Object.assign(this, { status: 0, title: "Something went wrong", detail: "", code: "", request_id: "" }, fields, { retryAfterS });
  }

  /** What is none is a fault of this page. */
  static of = (error) => (error instanceof Problem ? error : new Problem({ title: "The page failed", detail: String(error), code: "page" }));
}

/** Where `path` is, also behind a proxy that puts the service below a path of its own. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

/** The response. Throws Problem, or AbortError where `signal` says so. */
export async function ask(path, init = {}) {
  const response = await fetch(address(path), { ...init, headers: { ...init.headers, ...keyHeaders() } }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem({ title: "The service does not answer", code: "unreachable" });
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const askJson = async (path, init) => (await ask(path, init)).json();

/** What `request` (see choices.js) asks for, done to `image`. */
export const askFor = (request, image, init) => ask(request.path, { method: "POST", body: formOf([["image", image], ...request.fields, ...request.files]), ...init });

/** Of `[name, text or file]`. */
export function formOf(entries) {
  const form = new FormData();
  for (const entry of entries) form.append(...entry);
  return form;
}

async function problemOf(response) {
  const { status, statusText } = response;
  const waitS = Number.parseInt(response.headers.get("Retry-After"), 10);
  const fields = await response.json().catch(() => ({ status, title: `The answer was ${status} ${statusText}`, code: `http_${status}` }));
  return new Problem(fields, Number.isNaN(waitS) ? null : waitS);
}
