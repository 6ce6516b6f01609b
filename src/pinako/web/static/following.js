// What others do, as it happens: counters, pictures that went, and new ones at the head of a wall.
//
// A page follows while it is looked at. One that is hidden lets go of its stream and asks for what it missed when it is back.
// The stream is opened once the first pictures are here: a browser has few connections to one server, and they come first.

import { note } from "./notes.js";
import { element } from "./dialogs.js";
import { words } from "./words.js";

const QUIET_MS = 900; // nothing was fetched for so long
const LATEST_MS = 8000; // then it is opened in any case
const FIRST_LOOK_MS = 120;
const LOOK_EVERY_MS = 2000; // a busy library makes a page look this often, not at each change
const PARTS = ["like", "heart", "laugh", "cry"];

class Following {
  constructor(lists) {
    this.lists = lists;
    this.wall = lists.find((one) => one.key && one.look && !/[?&](cursor|sort=Random)/.test(location.search));
    this.seq = document.body.dataset.seq;
    this.shelf = document.querySelector("[data-shelf]")?.dataset.shelf;
    document.addEventListener("visibilitychange", () => this.turn());
    addEventListener("pagehide", () => this.stop());
    addEventListener("pageshow", () => this.turn());
    this.turn();
  }

  turn() {
    if (document.hidden) this.stop();
    else this.start();
  }

  start() {
    if (this.stream) return;
    this.stream = new EventSource(`/api/events?since=${this.seq}`);
    this.stream.addEventListener("change", (event) => this.#changed(event));
    this.stream.addEventListener("reset", (event) => this.#reset(event));
  }

  stop() {
    this.stream?.close();
    this.stream = null;
  }

  #reset(event) {
    this.seq = event.lastEventId || this.seq;
    this.#lookSoon();
  }

  #changed(event) {
    this.seq = event.lastEventId || this.seq;
    const told = JSON.parse(event.data);
    const id = String(told.id);
    if (told.entity === "collection" && id === this.shelf) this.#lookSoon();
    if (told.entity !== "image") return;
    if (told.gone) this.#gone(id);
    else if (told.counts) this.#count(id, told.counts);
  }

  #gone(id) {
    for (const list of this.lists) if (list.indexOf(id) >= 0) list.remove?.([id]);
    if (document.querySelector(`[data-stage][data-id="${id}"]`)) note(words.goneNow);
  }

  #count(id, counts) {
    for (const place of document.querySelectorAll(`[data-count][data-of="${id}"]`)) place.textContent = counts[place.dataset.count] ?? 0;
    const sum = PARTS.reduce((all, part) => all + (counts[part] ?? 0), 0);
    let known = false;
    for (const list of this.lists) {
      if (list.indexOf(id) < 0) continue;
      known ||= list === this.wall;
      list.patch(id, (tile) => tally(tile, sum));
    }
    if (this.wall && !known) this.#lookSoon();
  }

  #lookSoon() {
    if (!this.wall || this.timer) return;
    const wait = Math.max(FIRST_LOOK_MS, (this.looked ?? -LOOK_EVERY_MS) + LOOK_EVERY_MS - performance.now());
    this.timer = setTimeout(() => this.#look(), wait);
  }

  async #look() {
    this.looked = performance.now();
    const waits = await this.wall.look().catch(() => 0);
    this.timer = null;
    if (!waits) return;
    // Where somebody looks at the head of the wall it grows by itself; elsewhere nothing moves unasked.
    if (scrollY < innerHeight / 2 && !document.querySelector("dialog[open]")) this.wall.take();
    else this.#offer(waits);
  }

  #offer(count) {
    this.offer?.remove();
    this.offer = element("button", { type: "button", className: "button fresh", textContent: words.fresh.replace("{count}", count) });
    this.offer.addEventListener("click", () => {
      this.offer.remove();
      this.wall.take();
      scrollTo({ top: 0 });
    });
    document.body.append(this.offer);
  }
}

function tally(tile, sum) {
  const line = tile.querySelector(".line");
  if (!line) return;
  let count = line.querySelector(".count");
  if (!count && sum) {
    const icons = document.querySelector("use")?.getAttribute("href").split("#")[0];
    count = element("span", { className: "count" });
    count.innerHTML = `<svg class="icon icon-heart" aria-hidden="true" focusable="false"><use href="${icons}#heart"></use></svg><span></span><span class="hidden"></span>`;
    count.lastChild.textContent = ` ${words.reactions}`;
    line.append(count);
  }
  if (!sum) count?.remove();
  else count.querySelector("span").textContent = sum.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
}

const inView = (image) => {
  const box = image.getBoundingClientRect();
  return box.width > 0 && box.top < innerHeight * 1.5 && box.bottom > 0;
};

function whenQuiet(run) {
  const began = performance.now();
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(look, QUIET_MS);
  };
  const seen = new PerformanceObserver(wait);
  const look = () => {
    if (performance.now() - began < LATEST_MS && [...document.images].some((image) => !image.complete && inView(image))) return wait();
    seen.disconnect();
    return run();
  };
  seen.observe({ type: "resource" });
  wait();
}

export function startFollowing(lists) {
  if (!document.body.dataset.seq || !window.EventSource) return;
  const begin = () => whenQuiet(() => new Following(lists));
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin, { once: true });
}
