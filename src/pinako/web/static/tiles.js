// One tile: blurred until its picture is there, a video while it is pointed at.
//
// What a wall makes while one scrolls is drawn here and not by the browser's own <img>: without a graphics card Chromium keeps
// half a gigabyte of what it decoded for those, long after it left the view, but gives a canvas back when it is told. The <img>
// stays over its canvas, unseen, for all else that it is good for: its words, its menu, dragging it somewhere, the viewer.

import { paint } from "./blurhash.js";

const FADE_MS = 300; // a little more than the style sheet takes
const FRAME_SHARE_MS = 6;
const TOGETHER_MS = 60;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function ratioOf(tile) {
  const shape = [...tile.classList].find((name) => /^r-\d+$/.test(name));
  return shape ? Number(shape.slice(2)) / 100 : 1;
}

// Puts a tile's blurred picture under the real one until that has come.
export function soften(tile) {
  const image = tile.querySelector("img");
  if (!image || image.complete) return;
  const under = blurred(tile, image);
  const settle = () => {
    image.classList.remove("waiting");
    fade(image, under);
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
  for (const canvas of tile.querySelectorAll("canvas")) giveBack(canvas);
  for (const image of tile.querySelectorAll("img")) for (const name of ["srcset", "src"]) image.removeAttribute(name);
  tile.remove();
}

// Canvases of blurred pictures are used again: a browser sweeps up late what it would otherwise make for each.
const spare = [];

function giveBack(canvas) {
  canvas.remove();
  if (canvas.className) canvas.getContext("bitmaprenderer").transferFromImageBitmap(null);
  else spare.push(canvas);
}

// Takes away what was under a picture, unless another tile has it by then.
function fade(image, under) {
  setTimeout(() => under.parentNode === image.parentNode && giveBack(under), FADE_MS);
}

function canvas(className = "") {
  const made = Object.assign(document.createElement("canvas"), { className });
  made.setAttribute("aria-hidden", "true");
  return made;
}

function blurred(tile, image) {
  const under = spare.pop() ?? canvas();
  if (paint(under, tile.dataset.hash, ratioOf(tile))) image.before(under);
  image.classList.add("waiting");
  return under;
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
  if (bitmap) showSoon({ tile, image, under, bitmap });
  else image.classList.remove("waiting");
}

// What was drawn at about the same time appears together: each time, a browser writes down anew all that the page shows.
const drawn = [];

function showSoon(one) {
  drawn.push(one);
  if (drawn.length === 1) setTimeout(showAll, TOGETHER_MS);
}

function showAll() {
  const shown = drawn.splice(0);
  for (const { tile, image, bitmap } of shown) {
    if (!tile.isConnected) {
      bitmap.close();
      continue;
    }
    const over = canvas("drawn");
    over.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
    image.before(over);
  }
  for (const { image, under } of shown) fade(image, under);
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
