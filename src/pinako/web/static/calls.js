// The wire's own procedures and doors, called as this session: each write carries the page's word.

import { words } from "./words.js";
import { note } from "./notes.js";

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export const signedIn = () => document.body.dataset.known === "1";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function answer(response) {
  const body = await response.json().catch(() => null);
  if (!response.ok || body?.error) {
    const told = body?.error;
    throw new Refused(response.status, told?.json?.message ?? told?.message ?? (typeof told === "string" ? told : response.statusText));
  }
  return body?.result?.data?.json ?? body;
}

export async function query(name, input) {
  const asked = encodeURIComponent(JSON.stringify({ json: input ?? null }));
  return answer(await fetch(`/api/trpc/${name}?input=${asked}`, { headers: { accept: "application/json" } }));
}

export async function mutate(name, input, marks) {
  return send("POST", `/api/trpc/${name}`, marks ? { json: input, meta: { values: marks } } : { json: input });
}

export async function send(method, address, body) {
  const headers = { accept: "application/json", "x-csrf-token": token() };
  if (body !== undefined) headers["content-type"] = "application/json";
  return answer(await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

// Runs a call and says what went wrong, where something did. Undefined then.
export async function attempt(call) {
  try {
    return await call();
  } catch (error) {
    const known = { 401: signedIn() ? words.notAllowed : words.signIn }[error.status];
    note(known ?? words.wentWrong.replace("{reason}", error.message));
    return undefined;
  }
}
