// The wire's own procedures, called as this session: queries by GET, mutations by POST with the page's word.

import { words } from "./words.js";
import { note } from "./notes.js";

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function answer(response) {
  const body = await response.json().catch(() => null);
  if (!response.ok || body?.error) {
    throw new Refused(response.status, body?.error?.json?.message ?? body?.error?.message ?? response.statusText);
  }
  return body?.result?.data?.json ?? body;
}

export async function query(name, input) {
  const asked = encodeURIComponent(JSON.stringify({ json: input ?? null }));
  return answer(await fetch(`/api/trpc/${name}?input=${asked}`, { headers: { accept: "application/json" } }));
}

export async function mutate(name, input, marks) {
  const response = await fetch(`/api/trpc/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token() },
    body: JSON.stringify(marks ? { json: input, meta: { values: marks } } : { json: input }),
  });
  return answer(response);
}

// Runs a call and says what went wrong, where something did. Undefined then.
export async function attempt(call) {
  try {
    return await call();
  } catch (error) {
    const known = { 401: words.signIn, 403: words.notAllowed }[error.status];
    note(known ?? words.wentWrong.replace("{reason}", error.message));
    return undefined;
  }
}
