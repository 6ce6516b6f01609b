// Sending pictures: many at once, two at a time, with progress; a file that breaks off is sent again.

import { attempt, mutate } from "./calls.js";
import { element } from "./dialogs.js";
import { words } from "./words.js";

const AT_ONCE = 2;
const TRIES = 3;

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

function put(address, file, moved) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && moved(event.loaded / event.total));
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(new Error(request.responseText || request.statusText))));
    request.addEventListener("error", () => reject(new Error(words.failed)));
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.send(file);
  });
}

async function place(file) {
  const response = await fetch("/api/v1/image-upload", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token() },
    body: JSON.stringify({ filename: file.name, metadata: { size: file.size } }),
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

async function send(file, moved) {
  for (let turn = 1; ; turn++) {
    try {
      const { id, uploadURL } = await place(file);
      await put(new URL(uploadURL).pathname + new URL(uploadURL).search, file, moved);
      return id;
    } catch (error) {
      if (turn >= TRIES) throw error;
    }
  }
}

async function shapeOf(file) {
  try {
    const bitmap = await createImageBitmap(file);
    return { width: bitmap.width, height: bitmap.height };
  } catch {
    return {}; // the server measures what the browser cannot read
  }
}

class Uploads {
  constructor(place) {
    this.place = place;
    this.list = place.querySelector("[data-files]");
    this.input = place.querySelector("input[type=file]");
    this.publish = place.querySelector("[data-publish]");
    this.waiting = [];
    this.sent = [];
    this.busy = 0;
    this.input.addEventListener("change", () => this.add(this.input.files));
    for (const name of ["dragover", "dragenter"]) document.addEventListener(name, (event) => this.#over(event));
    document.addEventListener("drop", (event) => this.#drop(event));
    document.addEventListener("paste", (event) => event.clipboardData?.files.length && this.add(event.clipboardData.files));
    this.publish.addEventListener("click", () => this.finish());
  }

  add(files) {
    for (const file of files) {
      const bar = element("progress", { max: 1, value: 0, "aria-label": words.uploading.replace("{name}", file.name) });
      const line = element("li", { className: "resource" }, element("div", {}, element("strong", { textContent: file.name }), element("p", {}, bar)));
      this.list.append(line);
      this.waiting.push({ file, line, bar });
    }
    this.#next();
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

  async #next() {
    if (this.busy >= AT_ONCE || !this.waiting.length) {
      this.publish.disabled = this.busy > 0 || this.waiting.length > 0 || !this.sent.length;
      return;
    }
    this.busy++;
    const one = this.waiting.shift();
    this.#next();
    try {
      const url = await send(one.file, (share) => (one.bar.value = share));
      this.sent.push({ url, file: one.file });
      one.bar.replaceWith(words.uploaded);
    } catch (error) {
      one.bar.replaceWith(words.wentWrong.replace("{reason}", error.message));
    }
    this.busy--;
    this.#next();
  }

  async finish() {
    this.publish.disabled = true;
    const title = this.place.querySelector("[name=title]").value.trim();
    const id = await attempt(async () => {
      const post = await mutate("post.create", title ? { title } : {});
      for (const [index, { url, file }] of this.sent.entries()) {
        const type = file.type.startsWith("video/") ? "video" : file.type.startsWith("audio/") ? "audio" : "image";
        await mutate("post.addImage", { postId: post.id, url, name: file.name, type, index, mimeType: file.type, ...(await shapeOf(file)) });
      }
      await mutate("post.update", { id: post.id, publishedAt: new Date().toISOString() }, { publishedAt: ["Date"] });
      return post.id;
    });
    if (id) location.href = `/posts/${id}`;
    else this.publish.disabled = false;
  }
}

export function startUploads() {
  const place = document.querySelector("[data-upload]");
  if (place) new Uploads(place);
}
