/** Requests to this server. Addresses are relative to the page, below any path prefix. */

import { keyRefused, readKey } from "./key";
import type { FieldProblem } from "./types";

/** Where the API lies: the page is at `…/play/`. */
export const BASE = new URL("../", document.baseURI.replace(/[?#].*$/, ""));

/** What the server says about a request that it refuses (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly errors: FieldProblem[] = [],
    readonly retryAfter = 0,
  ) {
    super(detail);
  }
}

export function url(path: string): URL {
  return new URL(path, BASE);
}

/** Send a request with the key, and return the response if it is a success. Throws Problem. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = readKey();
  if (key !== null) headers.set("X-API-Key", key);
  let response: Response;
  try {
    response = await fetch(url(path), { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("unreachable", "No answer", "The server does not answer. Is it running?");
  }
  if (response.ok) return response;
  if (response.status === 401) keyRefused();
  throw await readProblem(response);
}

export async function getJson<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const response = await send(path, signal ? { signal } : {});
  return (await response.json()) as Answer;
}

export async function postJson<Answer>(path: string, body: unknown): Promise<Answer> {
  const headers = { "Content-Type": "application/json" };
  const response = await send(path, { method: "POST", headers, body: JSON.stringify(body) });
  return (await response.json()) as Answer;
}

/** Turn anything that was thrown into a problem that can be shown. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem("page_failed", "The page failed", String(error));
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

async function readProblem(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get("Retry-After") ?? 0);
  try {
    const { code, title, detail, errors } = await response.json();
    return new Problem(code, title, detail, errors, retryAfter);
  } catch {
    // A proxy in front of the server answers with a page of its own.
    const detail = `The answer has the status ${response.status} and is not from Retinoscope.`;
    return new Problem("no_problem_document", "Unexpected answer", detail, [], retryAfter);
  }
}
