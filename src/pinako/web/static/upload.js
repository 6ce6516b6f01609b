// Sending pictures: many at once, two at a time, in parts, with progress. What breaks off goes on where it stopped, also after
// the page was loaded anew: the same file is known by its name, size and date.

import { attempt, mutate, query, send } from "./calls.js";
import { element } from "./dialogs.js";
import { words } from "./words.js";

const AT_ONCE = 2;
const TRIES = 5;
const PART = 8 * 1024 * 1024;
const KEPT = "pinako-uploads";
const MOST_KEPT = 200;
const LEVEL = "pinako-upload-level";
const DEED = "/api/v1/image-upload";

class Failed extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  get final() {
    return this.status >= 400 && this.status < 500 && ![408, 409, 416, 429].includes(this.status);
  }
}

const nameOf = (file) => `${file.name}\n${file.size}\n${file.lastModified}`;

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

function keep(file, address) {
  const all = kept();
  delete all[nameOf(file)];
  if (address) all[nameOf(file)] = address;
  localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(Object.entries(all).slice(-MOST_KEPT))));
}

const told = (text) => {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : error.message;
  } catch {
    return "";
  }
};

function put(address, file, from, moved, request) {
  const part = file.slice(from, Math.min(from + PART, file.size));
  return new Promise((resolve, reject) => {
    request.open("PUT", address);
    request.upload.onprogress = (event) => moved((from + event.loaded) / Math.max(file.size, 1));
    request.onload = () =>
      request.status < 300 ? resolve(JSON.parse(request.responseText)) : reject(new Failed(request.status, told(request.responseText) || request.statusText));
    request.onerror = request.onabort = () => reject(new Failed(0, words.failed));
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    if (from || part.size < file.size) request.setRequestHeader("content-range", `bytes ${from}-${from + part.size - 1}/${file.size}`);
    request.send(part);
  });
}

// How much of a file is here already, at an address from before; null where that is no more.
async function stateAt(address) {
  const response = await fetch(address).catch(() => null);
  return response?.ok ? response.json() : null;
}

async function begin(file) {
  const known = kept()[nameOf(file)];
  const state = known ? await stateAt(known) : null;
  if (state && (state.complete || state.received <= file.size)) return { address: known, state };
  const { id, uploadURL } = await send("POST", DEED, { filename: file.name });
  const { pathname, search } = new URL(uploadURL);
  keep(file, pathname + search);
  return { address: pathname + search, state: { id, received: 0, complete: false } };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function sendFile(file, moved, line) {
  for (let turn = 1; ; turn++) {
    try {
      let { address, state } = await begin(file);
      while (!state.complete) {
        line.request = new XMLHttpRequest();
        state = await put(address, file, state.received, moved, line.request);
      }
      return state;
    } catch (error) {
      if (line.dropped || error.final || (error.status >= 400 && error.status < 500 && !(error instanceof Failed))) {
        keep(file, null);
        throw error;
      }
      if (turn >= TRIES) throw error;
      await pause(300 * 2 ** turn);
    }
  }
}

class Uploads {
  constructor(place) {
    this.place = place;
    this.list = place.querySelector("[data-files]");
    this.publish = place.querySelector("[data-publish]");
    this.level = place.querySelector("[name=level]");
    this.waiting = [];
    this.sent = [];
    this.busy = 0;
    this.order = 0;
    const input = place.querySelector("input[type=file]");
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = "";
    });
    this.level.value = localStorage.getItem(LEVEL) ?? "";
    this.level.addEventListener("change", () => {
      localStorage.setItem(LEVEL, this.level.value);
      this.#ready();
    });
    for (const name of ["dragover", "dragenter"]) document.addEventListener(name, (event) => this.#over(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget || place.classList.remove("over"));
    document.addEventListener("drop", (event) => this.#drop(event));
    document.addEventListener("paste", (event) => event.clipboardData?.files.length && this.add(event.clipboardData.files));
    addEventListener("beforeunload", (event) => (this.busy || this.waiting.length) && event.preventDefault());
    this.publish.addEventListener("click", () => this.finish());
  }

  add(files) {
    for (const file of files) {
      const bar = element("progress", { max: 1, value: 0, "aria-label": words.uploading.replace("{name}", file.name) });
      const state = element("p", {}, bar);
      const drop = element("button", { type: "button", className: "button quiet-button small", textContent: words.leaveOut, "aria-label": `${words.leaveOut}: ${file.name}` });
      const line = element("li", { className: "resource" }, element("div", {}, element("strong", { textContent: file.name }), state), drop);
      const one = { file, line, bar, state, at: this.order++ };
      drop.addEventListener("click", () => this.#leaveOut(one));
      this.list.append(line);
      this.waiting.push(one);
    }
    this.#next();
  }

  #leaveOut(one) {
    one.dropped = true;
    one.line.remove();
    one.request?.abort();
    this.waiting = this.waiting.filter((other) => other !== one);
    this.sent = this.sent.filter((other) => other !== one);
    this.#ready();
  }

  #over(event) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    this.place.classList.add("over");
  }

  #drop(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.place.classList.remove("over");
    this.add(event.dataTransfer.files);
  }

  #ready() {
    this.publish.disabled = this.busy > 0 || this.waiting.length > 0 || !this.sent.length || !this.level.value || this.finishing;
  }

  async #next() {
    this.#ready();
    if (this.busy >= AT_ONCE || !this.waiting.length) return;
    this.busy++;
    const one = this.waiting.shift();
    this.#next();
    try {
      one.facts = await sendFile(one.file, (share) => (one.bar.value = share), one);
      if (!one.dropped) this.sent.push(one);
      one.state.textContent = words.uploaded;
    } catch (error) {
      this.#failed(one, error);
    }
    this.busy--;
    this.#next();
  }

  #failed(one, error) {
    const again = element("button", { type: "button", className: "button quiet-button small", textContent: words.retry });
    again.addEventListener("click", () => {
      one.state.replaceChildren(one.bar);
      this.waiting.push(one);
      this.#next();
    });
    one.state.replaceChildren(words.wentWrong.replace("{reason}", error.message), " ", again);
  }

  async finish() {
    this.finishing = true;
    this.#ready();
    const id = await attempt(() => this.#post());
    this.finishing = false;
    this.#ready();
    if (id) location.href = `/posts/${id}`;
  }

  // A post that was begun and could not be finished is gone on with: the same file in it is the same picture.
  async #post() {
    const title = this.place.querySelector("[name=title]").value.trim();
    const tags = this.place.querySelector("[name=tags]").value.split(",").map((tag) => tag.trim()).filter(Boolean);
    this.post ??= (await mutate("post.create", { ...(title ? { title } : {}), ...(tags.length ? { tags } : {}) })).id;
    const files = [...this.sent].sort((a, b) => a.at - b.at);
    for (const [index, { file, facts }] of files.entries()) {
      await mutate("post.addImage", { postId: this.post, url: facts.id, name: file.name, type: facts.type, index, nsfwLevel: Number(this.level.value) });
    }
    await this.#publish();
    for (const { file } of files) keep(file, null);
    return this.post;
  }

  // Once only: whose answer was lost on the way here may be public already, and is refused another time.
  async #publish() {
    try {
      await mutate("post.update", { id: this.post, publishedAt: new Date().toISOString() }, { publishedAt: ["Date"] });
    } catch (error) {
      const post = error.status === 400 ? await query("post.get", { id: this.post }) : null;
      if (!post?.publishedAt) throw error;
    }
  }
}

export function startUploads() {
  const place = document.querySelector("[data-upload]");
  if (place) new Uploads(place);
}
