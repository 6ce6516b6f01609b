// One tile: blurred until its picture is there, a video while it is pointed at.

import { paint } from "./blurhash.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function ratioOf(tile) {
  const shape = [...tile.classList].find((name) => /^r-\d+$/.test(name));
  return shape ? Number(shape.slice(2)) / 100 : 1;
}

// Puts a tile's blurred picture under the real one until that has come.
export function soften(tile) {
  const image = tile.querySelector("img");
  if (!image || image.complete) return;
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const painted = paint(canvas, tile.dataset.hash, ratioOf(tile));
  if (painted) image.before(canvas);
  image.classList.add("waiting");
  const settle = () => {
    image.classList.remove("waiting");
    setTimeout(() => canvas.remove(), 300);
  };
  image.addEventListener("load", settle, { once: true });
  image.addEventListener("error", settle, { once: true });
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
