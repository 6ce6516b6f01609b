// The viewer: one picture on a dark ground, with zoom, keys, touch, slideshow and everything known about it beside.
//
// It opens over the wall, which stays as it was; the address becomes the picture's own, and going back closes it.

import { words } from "./words.js";
import { Lens } from "./lens.js";

const LADDER = [450, 800, 1200, 1600, 2200];
const SLIDE_MS = 5000;
const IDLE_MS = 2600;
const DETAILS = "pinako-details";

const icons = document.querySelector("use")?.getAttribute("href").split("#")[0] ?? "";

function button(name, label, run, className = "round") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.title = label;
  made.setAttribute("aria-label", label);
  made.append(sign(name));
  made.addEventListener("click", run);
  return made;
}

function sign(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

export class Viewer {
  constructor() {
    this.dialog = document.createElement("dialog");
    this.dialog.className = "viewer";
    this.dialog.setAttribute("aria-label", words.viewer);
    this.field = Object.assign(document.createElement("div"), { className: "field-of-view" });
    this.slide = Object.assign(document.createElement("div"), { className: "slide" });
    this.place = Object.assign(document.createElement("p"), { className: "place" });
    this.place.setAttribute("aria-live", "polite");
    this.side = Object.assign(document.createElement("aside"), { className: "side", hidden: true, tabIndex: 0 });
    this.side.setAttribute("aria-label", words.details);
    this.play = button("play", words.slideshow, () => this.toggleSlides());
    this.detail = button("info", words.details, () => this.toggleSide());
    const controls = Object.assign(document.createElement("div"), { className: "controls" });
    controls.append(
      button("minus", words.zoomOut, () => this.lens.by(1 / 1.5)),
      button("plus", words.zoomIn, () => this.lens.by(1.5)),
      this.play,
      button("expand", words.fullscreen, () => this.toggleFull()),
      this.detail,
      button("cross", words.close, () => this.close()),
    );
    this.field.append(
      this.slide,
      this.place,
      controls,
      button("left", words.previous, () => this.step(-1), "round step before"),
      button("right", words.next, () => this.step(1), "round step after"),
    );
    this.dialog.append(this.field, this.side);
    this.lens = new Lens(this.field, {
      swipe: (way) => this.step(way),
      dismiss: () => this.close(),
      zoomed: () => this.#sharpen(),
    });
    this.#listen();
  }

  get open() {
    return this.dialog.open;
  }

  start(list, index) {
    if (!this.dialog.isConnected) document.body.append(this.dialog);
    this.list = list;
    this.came = document.activeElement;
    // Going back closes the viewer at the picture shown last: the browser must not put the page to where it was before.
    this.restoration = history.scrollRestoration;
    history.scrollRestoration = "manual";
    history.pushState({ ...history.state, viewer: true }, "", location.href);
    this.home = { address: location.href, title: document.title };
    if (localStorage.getItem(DETAILS) === "1" && innerWidth > 980) this.side.hidden = false;
    this.dialog.showModal();
    this.field.tabIndex = -1;
    this.field.focus();
    this.goTo(index);
    this.#wake();
  }

  goTo(index) {
    if (index < 0 || index >= this.list.count) return;
    this.index = index;
    const item = this.list.about(index);
    this.list.show(index);
    if (index > this.list.count - 8) this.list.more();
    if (!item) return; // it comes with its page; the list says so by growing
    this.item = item;
    this.dialog.dataset.id = item.id;
    this.dialog.dataset.level = item.level;
    history.replaceState(history.state, "", `/images/${item.id}`);
    this.place.textContent = `${index + 1} / ${this.list.count}${this.list.next ? "+" : ""}`;
    this.#showMedium(item);
    if (!this.side.hidden) this.#showSide(item.id);
    this.#fetchAhead();
  }

  step(way) {
    if (this.index + way >= this.list.count && way > 0) this.stopSlides();
    this.goTo(this.index + way);
  }

  // The way out is back: then the address and the list are as before.
  close() {
    if (this.open) history.back();
  }

  closed() {
    if (!this.open) return;
    this.stopSlides();
    if (document.fullscreenElement) document.exitFullscreen();
    this.slide.replaceChildren();
    document.body.append(document.getElementById("notes"));
    this.dialog.close();
    setTimeout(() => (history.scrollRestoration = this.restoration), 100);
    document.querySelectorAll(".tile[aria-current]").forEach((one) => one.removeAttribute("aria-current"));
    if (this.#land()) return;
    // The last pictures of a page have no place on the wall until the next page fills their row.
    this.came?.focus({ preventScroll: true });
    this.list.addEventListener("grown", () => this.open || this.#land(), { once: true });
    this.list.more();
  }

  // Brings the picture that was shown into view on its list, and the keyboard to it; whether it is there.
  #land() {
    this.list.show(this.index);
    const tile = this.list.tileOf(this.index);
    tile?.querySelector("a")?.focus({ preventScroll: true });
    return Boolean(tile);
  }

  toggleSlides() {
    if (this.timer) return this.stopSlides();
    this.timer = setInterval(() => this.step(1), SLIDE_MS);
    this.play.replaceChildren(sign("pause"));
    this.play.title = words.pause;
    this.play.setAttribute("aria-label", words.pause);
    return undefined;
  }

  stopSlides() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.replaceChildren(sign("play"));
    this.play.title = words.slideshow;
    this.play.setAttribute("aria-label", words.slideshow);
  }

  toggleSide() {
    this.side.hidden = !this.side.hidden;
    this.detail.setAttribute("aria-pressed", String(!this.side.hidden));
    localStorage.setItem(DETAILS, this.side.hidden ? "0" : "1");
    if (!this.side.hidden) this.#showSide(this.item.id);
    this.lens.reset();
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.dialog.requestFullscreen?.();
  }

  #address(item, options) {
    const ending = { video: ".mp4", audio: ".mp3" }[item.type] ?? ".jpeg";
    return `/${document.body.dataset.account}/${item.key}/${options}/${item.key}${ending}`;
  }

  #wide(item) {
    const wanted = Math.min(Math.max(this.field.clientWidth, 300) * devicePixelRatio, item.width);
    return LADDER.find((step) => step >= wanted) ?? LADDER.at(-1);
  }

  #showMedium(item) {
    if (item.type === "image") {
      const image = Object.assign(new Image(), { alt: item.alt, draggable: false, width: item.width, height: item.height });
      // The wall's own small picture stands in until the large one is here.
      image.src = item.thumb;
      const large = new Image();
      large.onload = () => image.isConnected && !image.dataset.sharp && (image.src = large.src);
      large.src = this.#address(item, `width=${this.#wide(item)}`);
      this.slide.replaceChildren(image);
    } else {
      const medium = Object.assign(document.createElement(item.type), { controls: true, loop: true, autoplay: true, playsInline: true, poster: item.thumb });
      medium.src = this.#address(item, "original=true");
      medium.setAttribute("aria-label", item.alt);
      this.slide.replaceChildren(medium);
    }
    this.#fit();
    this.lens.hold(this.slide.firstElementChild, item.type === "image");
  }

  // As large as the field allows, but small pictures at most twice their size.
  #fit() {
    const image = this.slide.querySelector("img");
    if (!image || !this.open) return;
    const share = Math.min(this.field.clientWidth / this.item.width, this.field.clientHeight / this.item.height, 2);
    image.style.width = `${this.item.width * share}px`;
    image.style.height = `${this.item.height * share}px`;
    this.lens.reset();
  }

  #sharpen() {
    const image = this.slide.querySelector("img");
    if (!image || image.dataset.sharp || this.item.width <= this.#wide(this.item)) return;
    image.dataset.sharp = "1";
    const full = new Image();
    full.onload = () => image.isConnected && (image.src = full.src);
    full.src = this.#address(this.item, "original=true");
  }

  #fetchAhead() {
    for (const way of [1, -1]) {
      const item = this.index + way >= 0 ? this.list.about(this.index + way) : null;
      if (item?.type === "image") new Image().src = this.#address(item, `width=${this.#wide(item)}`);
    }
  }

  async #showSide(id) {
    this.side.textContent = words.loading;
    const response = await fetch(`/images/${id}?part=panel`);
    if (this.item.id !== id) return;
    if (!response.ok) {
      this.side.textContent = words.failed;
      return;
    }
    this.side.innerHTML = await response.text();
    this.side.scrollTop = 0;
    this.side.dispatchEvent(new CustomEvent("filled", { bubbles: true }));
  }

  #wake() {
    this.dialog.classList.remove("idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.dialog.classList.add("idle"), IDLE_MS);
  }

  #listen() {
    new ResizeObserver(() => this.#fit()).observe(this.field);
    this.dialog.addEventListener("pointermove", () => this.#wake());
    this.dialog.addEventListener("focusin", () => this.#wake());
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("popstate", () => this.closed());
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, video, audio")) return;
    const run = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      Home: () => this.goTo(0),
      End: () => this.goTo(this.list.count - 1),
      "+": () => this.lens.by(1.5),
      "=": () => this.lens.by(1.5),
      "-": () => this.lens.by(1 / 1.5),
      0: () => this.lens.reset(),
      i: () => this.toggleSide(),
      f: () => this.toggleFull(),
      s: () => this.toggleSlides(),
      " ": () => event.target === this.field && this.toggleSlides(),
    }[event.key];
    if (!run || (this.side.contains(event.target) && !["i", "ArrowLeft", "ArrowRight"].includes(event.key))) return;
    event.preventDefault();
    this.#wake();
    run();
  }
}

// Clicks on tiles of these lists open the viewer; other ways of following a link stay as they are.
export function startViewer(lists) {
  const viewer = new Viewer();
  for (const list of lists) list.addEventListener("grown", () => viewer.open && viewer.list === list && viewer.item?.id !== list.about(viewer.index)?.id && viewer.goTo(viewer.index));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.(".tile > a:first-child");
    const tile = link?.parentNode;
    const list = tile && lists.find((one) => one.list.contains(tile));
    if (!list || document.documentElement.classList.contains("picking")) return;
    event.preventDefault();
    viewer.start(list, list.indexOf(tile.dataset.id));
  });
  const stage = document.querySelector("[data-stage]");
  stage?.addEventListener("click", (event) => {
    if (!event.target.closest("img, [data-open-viewer]")) return;
    const list = lists.find((one) => one.list.dataset.strip === "post" && one.indexOf(stage.dataset.id) >= 0);
    viewer.start(list ?? alone(stage), list ? list.indexOf(stage.dataset.id) : 0);
  });
  return viewer;
}

function alone(stage) {
  const image = stage.querySelector("img");
  const item = {
    id: stage.dataset.id, key: stage.dataset.key, type: "image", alt: image.alt, thumb: image.currentSrc || image.src,
    width: Number(image.getAttribute("width")), height: Number(image.getAttribute("height")), level: 0,
  };
  const list = new EventTarget();
  return Object.assign(list, { count: 1, list: stage, next: null, about: (i) => (i === 0 ? item : null), indexOf: () => 0, tileOf: () => null, show() {}, more() {} });
}
