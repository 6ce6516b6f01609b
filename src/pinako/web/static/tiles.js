// One tile: blurred until its picture is there, a video while it is pointed at.
//
// What a wall makes while one scrolls is drawn here and not by the browser's own <img>: without a graphics card Chromium keeps
// half a gigabyte of what it decoded for those, long after it left the view, but gives a canvas back when it is told. The <img>
// stays over its canvas, unseen, for all else that it is good for: its words, its menu, dragging it somewhere, the viewer.

import { paint } from "./blurhash.js";

const FADE_MS = 300; // a little more than the style sheet takes
const FRAME_SHARE_MS = 6;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function ratioOf(tile) {
  const shape = [...tile.classList].find((name) => /^r-\d+$/.test(name));
  return shape ? Number(shape.slice(2)) / 100 : 1;
}

// Puts a tile's blurred picture under the real one until that has come.
export function soften(tile) {
  const image = tile.querySelector("img");
  if (!image || image.complete) return;
  const canvas = blurred(tile, image);
  const settle = () => {
    image.classList.remove("waiting");
    setTimeout(() => canvas.remove(), FADE_MS);
  };
  image.addEventListener("load", settle, { once: true });
  image.addEventListener("error", settle, { once: true });
}

// The same for a tile that goes again: blurred first, then drawn at the size that it is shown at.
export function sketch(tile) {
  const image = tile.querySelector("img");
  if (!image) return;
  const under = blurred(tile, image);
  image.addEventListener("load", () => drawSoon(() => draw(tile, image, under)), { once: true });
  image.addEventListener("error", () => image.classList.remove("waiting"), { once: true });
}

// Takes a tile away and gives back what it is drawn with; what it was still fetching is called off.
export function forget(tile) {
  for (const canvas of tile.querySelectorAll("canvas")) canvas.width = canvas.height = 0;
  for (const image of tile.querySelectorAll("img")) for (const name of ["srcset", "src"]) image.removeAttribute(name);
  tile.remove();
}

function blurred(tile, image) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  if (paint(canvas, tile.dataset.hash, ratioOf(tile))) image.before(canvas);
  image.classList.add("waiting");
  return canvas;
}

// Decoding happens where scrolling is answered, so that a frame gets a few pictures and the next one the rest.
const drawings = [];

function drawSoon(one) {
  drawings.push(one);
  if (drawings.length === 1) requestAnimationFrame(drawSome);
}

function drawSome() {
  const began = performance.now();
  while (drawings.length && performance.now() - began < FRAME_SHARE_MS) drawings.shift()();
  if (drawings.length) requestAnimationFrame(drawSome);
}

async function draw(tile, image, under) {
  if (!tile.isConnected) return;
  const width = Math.max(1, Math.min(Math.ceil(image.clientWidth * devicePixelRatio), image.naturalWidth));
  const height = Math.max(1, Math.round((width * image.naturalHeight) / image.naturalWidth));
  const bitmap = await createImageBitmap(image, { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" }).catch(() => null);
  if (!bitmap) return image.classList.remove("waiting");
  if (tile.isConnected) {
    const canvas = Object.assign(document.createElement("canvas"), { className: "drawn", width, height });
    canvas.setAttribute("aria-hidden", "true");
    canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height); // not every browser minds the asked size
    image.before(canvas);
    setTimeout(() => under.remove(), FADE_MS);
  }
  bitmap.close();
}

function play(tile) {
  if (calm.matches || tile.querySelector("video")) return;
  const video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true, src: tile.dataset.video });
  video.setAttribute("aria-hidden", "true");
  video.tabIndex = -1;
  tile.querySelector("a").append(video);
  video.play().catch(() => video.remove());
  video.addEventListener("error", () => video.remove());
}

const stop = (tile) => tile.querySelector("video")?.remove();

export function startHovering() {
  const over = (event) => event.target.closest?.(".tile[data-video]");
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "touch" && over(event)) play(over(event));
  });
  document.addEventListener("pointerout", (event) => {
    const tile = over(event);
    if (tile && !tile.contains(event.relatedTarget)) stop(tile);
  });
  document.addEventListener("focusin", (event) => over(event) && play(over(event)));
  document.addEventListener("focusout", (event) => over(event) && stop(over(event)));
}
