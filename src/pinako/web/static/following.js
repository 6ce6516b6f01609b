// What others do, as it happens: counters, things that went, new ones at the head of a list, words that were changed.
//
// A page follows while it is looked at. One that is hidden lets go of its stream and asks for what it missed when it is back.
// The stream is opened once the first pictures are here: a browser has few connections to one server, and they come first.

import { note } from "./notes.js";
import { element } from "./dialogs.js";
import { renewShelves } from "./wall.js";
import { words } from "./words.js";

const QUIET_MS = 900; // nothing was fetched for so long
const LATEST_MS = 8000; // then it is opened in any case
const FIRST_LOOK_MS = 120;
const LOOK_EVERY_MS = 800; // a busy library makes a page look this often, not at each change
const MOST_NAMED = 120; // of each kind: an address has its bounds
const PARTS = ["like", "heart", "laugh", "cry"];

class Following {
  constructor({ page, lists, cards }) {
    this.page = page;
    this.lists = lists;
    const moved = /[?&](cursor|sort=Random)/.test(location.search);
    this.wall = moved ? null : lists.find((one) => one.key && one.look);
    this.cards = cards;
    this.growing = [this.wall, ...(moved ? [] : cards)].filter(Boolean);
    this.stale = new Set();
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
    this.stream = new EventSource(`/api/events?since=${this.seq}&about=${this.#about()}`);
    this.stream.addEventListener("change", (event) => this.#changed(event));
    this.stream.addEventListener("reset", (event) => this.#reset(event));
  }

  // What this page shows, so that it is told when one of it is hidden from whoever looks.
  #about() {
    const things = { ...this.page.things() };
    for (const list of this.cards) (things[list.entity] ??= []).push(...list.ids());
    (things.image ??= []).push(...[...document.querySelectorAll(".tile")].map((one) => one.dataset.id));
    const groups = Object.entries(things).map(([entity, ids]) => [entity, [...new Set(ids)].filter(Boolean).slice(0, MOST_NAMED)]);
    return groups.filter(([, ids]) => ids.length).map(([entity, ids]) => `${entity}:${ids}`).join(";");
  }

  stop() {
    this.stream?.close();
    this.stream = null;
  }

  #reset(event) {
    this.seq = event.lastEventId || this.seq;
    this.#lookSoon(this.page, ...this.growing);
  }

  #changed(event) {
    this.seq = event.lastEventId || this.seq;
    const told = { ...JSON.parse(event.data) };
    told.id = String(told.id);
    if (this.page.concerns(told)) this.#lookSoon(this.page, ...this.cards);
    if (this.wall && told.entity === "collection" && told.id === this.shelf) this.#lookSoon(this.wall);
    if (told.gone) this.#gone(told);
    else if (told.entity === "image" && told.counts) this.#count(told.id, told.counts);
    if (!told.gone) for (const list of this.cards) if (list.entity === told.entity) list.changed(told.id);
  }

  #gone({ entity, id }) {
    if (entity === "image") this.#lookSoon(...this.cards.filter((list) => list.entity === "post")); // its post may be empty now
    if (entity !== "image") return this.cards.forEach((list) => list.entity === entity && list.remove([id]));
    for (const list of this.lists) if (list.indexOf(id) >= 0) list.remove?.([id]);
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
    if (this.wall && !known) this.#lookSoon(this.wall);
  }

  #lookSoon(...what) {
    for (const one of what) this.stale.add(one);
    if (this.timer || !this.stale.size) return;
    const wait = Math.max(FIRST_LOOK_MS, (this.looked ?? -LOOK_EVERY_MS) + LOOK_EVERY_MS - performance.now());
    this.timer = setTimeout(() => this.#look(), wait);
  }

  async #look() {
    this.looked = performance.now();
    const stale = this.stale;
    this.stale = new Set();
    if (stale.has(this.page)) await this.#lookAtPage();
    let waits = 0;
    for (const list of this.growing) if (stale.has(list)) waits += await list.look().catch(() => 0);
    this.timer = null;
    if (this.stale.size) this.#lookSoon();
    if (!waits) return;
    // Where somebody looks at the head of a list it grows by itself; elsewhere nothing moves unasked.
    if (scrollY < innerHeight / 2 && !document.querySelector("dialog[open]")) this.#take();
    else this.#offer(waits);
  }

  async #lookAtPage() {
    const there = await this.page.look().catch(() => true);
    if (there) renewShelves(this.lists);
    else if (!document.querySelector(".note")) note(words.goneNow); // whoever deleted it here is offered a way back
  }

  #take() {
    for (const list of this.growing) if (list.waits) list.take();
  }

  #offer(count) {
    this.offer?.remove();
    this.offer = element("button", { type: "button", className: "button fresh", textContent: words.fresh.replace("{count}", count) });
    this.offer.addEventListener("click", () => {
      this.offer.remove();
      this.#take();
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

export function startFollowing(what) {
  if (!document.body.dataset.seq || !window.EventSource) return;
  const begin = () => whenQuiet(() => new Following(what));
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin, { once: true });
}
