// An endless wall in a bounded document: only the rows near the view are there, the others are two spaces of their height.
//
// Rows are broken as the style sheet's flex box breaks them, so that taking rows away moves nothing. A wall remembers its
// pages with the history entry; coming back, it stands where it was and fetches what it needs around there.

import { words } from "./words.js";
import { forget, sketch, soften } from "./tiles.js";

const SPARE = 1; // views of rows kept above and below
const EAGER = 2.5; // views ahead at which more is fetched
const BAR = 120; // the head of the page covers so much of the view
const MEMORY = "pinako-wall-";

export class Wall extends EventTarget {
  constructor(list) {
    super();
    this.list = list;
    this.address = list.dataset.address;
    this.next = list.dataset.next || null;
    this.items = [];
    this.pages = [];
    this.rows = [];
    this.first = 0;
    this.last = 0;
    this.key = this.#historyKey();
    this.above = this.#space();
    this.below = this.#space();
    this.#adopt();
    this.#listen();
    this.#recall();
    this.#measure();
    this.update();
  }

  get count() {
    return this.items.length;
  }

  indexOf(id) {
    return this.items.findIndex((item) => item.id === id);
  }

  // What a viewer needs to know of one item, or null while it is not here yet.
  about(index) {
    const item = this.items[index];
    if (!item) return null;
    if (!item.html) {
      this.#fetchPage(item.page);
      return null;
    }
    return describe(this.tileOf(index) ?? parse(item.html));
  }

  tileOf(index) {
    return index >= this.first && index < this.last ? this.above.parentNode.children[index - this.first + 1] : null;
  }

  // Brings an item into view.
  show(index) {
    const row = this.rows.find((one) => index >= one.from && index < one.to);
    if (!row) return;
    const top = this.#top() + row.top;
    if (top < scrollY + BAR || top + row.height > scrollY + innerHeight) {
      scrollTo({ top: Math.max(top - Math.max((innerHeight - row.height) / 2, BAR), 0), behavior: "instant" });
    }
    this.update();
  }

  remove(ids) {
    const gone = new Set(ids);
    this.#rebuild(() => {
      this.items = this.items.filter((item) => !gone.has(item.id));
    });
  }

  // Changes one tile, and what it is made of when it comes back into view.
  patch(id, change) {
    const index = this.indexOf(id);
    if (index < 0) return;
    const item = this.items[index];
    if (item.html) {
      const made = parse(item.html);
      change(made);
      item.html = made.outerHTML;
    }
    const shown = this.tileOf(index);
    if (shown) change(shown);
  }

  // What stands at the head of the list by now. `waits`: how many of it are not here yet.
  async look() {
    const part = await this.#ask(null);
    const fresh = part.items.map(({ id, r, html }) => ({ id: String(id), r: r / 100, html, page: 0 }));
    const known = new Set(this.items.map((item) => item.id));
    this.head = fresh;
    this.waits = fresh.filter((item) => !known.has(item.id)).length;
    if (!this.items.length) this.next = part.next;
    return this.waits;
  }

  // Puts what `look` found before the rest, which keeps its place on the screen.
  take() {
    const fresh = this.head ?? [];
    const kept = new Set(fresh.map((item) => item.id));
    this.waits = 0;
    this.head = null;
    this.#rebuild(() => {
      this.items = [...fresh, ...this.items.filter((item) => !kept.has(item.id))];
    });
    this.dispatchEvent(new Event("grown"));
  }

  async more() {
    if (!this.next || this.busy) return;
    this.busy = true;
    const cursor = this.next;
    try {
      const part = await this.#ask(cursor);
      const known = new Set(this.items.map((item) => item.id));
      this.pages.push(cursor);
      const page = this.pages.length - 1;
      for (const { id, r, html } of part.items) if (!known.has(String(id))) this.items.push({ id: String(id), r: r / 100, html, page });
      this.next = part.next;
      this.failed = false;
    } catch {
      this.failed = true;
    }
    this.busy = false;
    this.#measure();
    this.#say();
    this.update();
    this.dispatchEvent(new Event("grown"));
  }

  update() {
    this.#keepWindow();
    const end = this.rows.length ? this.rows.at(-1).top + this.rows.at(-1).height : 0;
    if (this.next && !this.failed && this.#top() + end < scrollY + innerHeight * (1 + EAGER)) this.more();
  }

  #space() {
    const space = document.createElement("li");
    space.className = "space";
    space.setAttribute("role", "presentation");
    space.setAttribute("aria-hidden", "true");
    space.hidden = true;
    return space;
  }

  #adopt() {
    const tiles = [...this.list.children];
    this.pages = [null];
    this.items = tiles.map((tile) => ({ id: tile.dataset.id, r: shapeOf(tile), html: tile.outerHTML, page: 0 }));
    this.last = tiles.length;
    // Tiles and nothing between them: taking away so many nodes must take away so many tiles.
    this.list.replaceChildren(this.above, ...tiles, this.below);
    tiles.forEach(soften);
    this.foot = this.list.parentNode.querySelector(".more");
    if (this.foot && this.next) this.foot.hidden = true;
  }

  #listen() {
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.update();
      });
    }, { passive: true });
    let width = this.list.clientWidth;
    new ResizeObserver(() => {
      if (this.list.clientWidth === width || !this.list.clientWidth) return;
      width = this.list.clientWidth;
      this.#rebuild(() => {});
    }).observe(this.list);
    addEventListener("pagehide", () => this.#save());
  }

  // Rows by the rule of a flex box that wraps: as many as fit, then all of them stretched to the full width.
  #measure() {
    const style = getComputedStyle(this.list);
    const usual = parseFloat(style.getPropertyValue("--row"));
    const gap = parseFloat(style.columnGap) || 0;
    const full = this.list.getBoundingClientRect().width;
    this.gap = gap;
    this.rows = [];
    let from = 0;
    let top = 0;
    const close = (to, stretched) => {
      const shares = this.items.slice(from, to).reduce((sum, item) => sum + item.r, 0);
      const room = full - gap * (to - from - 1);
      const height = stretched || shares * usual > room ? room / shares : usual;
      this.rows.push({ from, to, top, height });
      top += height + gap;
      from = to;
    };
    let used = 0;
    for (let i = 0; i < this.items.length; i++) {
      const width = this.items[i].r * usual;
      if (i > from && used + gap + width > full + 0.01) {
        close(i, true);
        used = width;
      } else {
        used += (i > from ? gap : 0) + width;
      }
    }
    // A last row that is not full waits for the next page, so that nothing jumps when that comes.
    if (from < this.items.length && !(this.next && this.rows.length && !this.failed)) close(this.items.length, false);
  }

  #top() {
    return this.list.getBoundingClientRect().top + scrollY;
  }

  #keepWindow() {
    if (!this.rows.length) return;
    const at = scrollY - this.#top();
    const low = at - innerHeight * SPARE;
    const high = at + innerHeight * (1 + SPARE);
    let a = this.rows.findIndex((row) => row.top + row.height >= low);
    if (a < 0) a = this.rows.length - 1;
    let b = a;
    while (b < this.rows.length && this.rows[b].top <= high) b++;
    b = Math.max(b, a + 1);
    this.#draw(this.rows[a].from, this.rows[b - 1].to);
    const end = this.rows.at(-1);
    this.#size(this.above, this.rows[a].top - this.gap);
    this.#size(this.below, end.top + end.height - (this.rows[b - 1].top + this.rows[b - 1].height) - this.gap);
  }

  #size(space, height) {
    space.hidden = height <= 0;
    space.style.height = `${Math.max(height, 0)}px`;
  }

  #draw(from, to) {
    if (to <= this.first || from >= this.last) {
      this.#clear();
      this.first = this.last = from;
    }
    while (this.first < from) forget(this.above.nextSibling), this.first++;
    while (this.last > to) forget(this.below.previousSibling), this.last--;
    if (this.first > from) this.above.after(this.#make(from, this.first));
    this.first = from;
    if (this.last < to) this.below.before(this.#make(this.last, to));
    this.last = to;
  }

  #clear() {
    while (this.above.nextSibling !== this.below) forget(this.above.nextSibling);
  }

  #make(from, to) {
    const piece = document.createDocumentFragment();
    for (let i = from; i < to; i++) {
      const item = this.items[i];
      const tile = item.html ? parse(item.html) : blank(item);
      if (item.html) sketch(tile);
      else this.#fetchPage(item.page);
      this.dispatchEvent(new CustomEvent("made", { detail: tile }));
      piece.append(tile);
    }
    return piece;
  }

  #firstSeen(at) {
    return this.rows.find((row) => row.top + row.height > Math.max(at + BAR, 0));
  }

  // The same place in the list stays at the same place of the screen, whatever becomes of the rows above it.
  #rebuild(change) {
    const at = scrollY - this.#top();
    const seen = this.#firstSeen(at);
    const anchor = seen && at > 0 ? this.items[seen.from]?.id : null;
    const offset = seen ? seen.top - at : 0;
    change();
    this.#clear();
    this.first = this.last = 0;
    this.#measure();
    if (anchor) this.#stand(anchor, offset);
    this.update();
  }

  #stand(id, offset) {
    const index = this.indexOf(id);
    const row = this.rows.find((one) => index >= one.from && index < one.to);
    if (!row) return;
    this.#size(this.above, Math.max(row.top - this.gap, 0));
    const end = this.rows.at(-1);
    this.#size(this.below, end.top + end.height);
    scrollTo({ top: this.#top() + row.top - offset, behavior: "instant" });
  }

  async #ask(cursor) {
    const join = this.address.includes("?") ? "&" : "?";
    const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const response = await fetch(`${this.address}${join}part=items${from}`, { headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    return response.json();
  }

  // A page that was known before the visitor left and came back: its tiles again.
  async #fetchPage(page) {
    this.fetching ??= new Set();
    if (this.fetching.has(page)) return;
    this.fetching.add(page);
    try {
      const part = await this.#ask(this.pages[page]);
      const fresh = part.items.map(({ id, r, html }) => ({ id: String(id), r: r / 100, html, page }));
      const kept = new Set(fresh.map((item) => item.id));
      this.#rebuild(() => {
        const at = this.items.findIndex((item) => item.page === page);
        const others = this.items.filter((item) => item.page !== page && !kept.has(item.id));
        others.splice(at, 0, ...fresh);
        this.items = others;
      });
      this.dispatchEvent(new Event("grown"));
    } finally {
      this.fetching.delete(page);
    }
  }

  #say() {
    this.end ??= Object.assign(document.createElement("p"), { className: "wall-end" });
    this.end.replaceChildren();
    if (this.failed) {
      const again = Object.assign(document.createElement("button"), { type: "button", className: "button quiet-button", textContent: words.retry });
      again.addEventListener("click", () => ((this.failed = false), this.more()));
      this.end.append(words.failed, " ", again);
    } else if (!this.next) {
      this.end.append(words.end);
    }
    this.list.after(this.end);
  }

  #historyKey() {
    const held = history.state?.wall;
    const key = held ?? Math.random().toString(36).slice(2);
    if (!held) history.replaceState({ ...history.state, wall: key }, "");
    return key;
  }

  #save() {
    const at = scrollY - this.#top();
    const seen = this.#firstSeen(at);
    const kept = {
      pages: this.pages,
      next: this.next,
      items: this.items.map((item) => [item.id, Math.round(item.r * 100), item.page]),
      anchor: seen && at > 0 ? this.items[seen.from].id : null,
      offset: seen ? seen.top - at : 0,
    };
    try {
      sessionStorage.setItem(MEMORY + this.key, JSON.stringify(kept));
    } catch {
      sessionStorage.clear(); // full: older walls are worth less than this one
    }
  }

  #recall() {
    const text = sessionStorage.getItem(MEMORY + this.key);
    if (!text) return;
    const kept = JSON.parse(text);
    if (!kept.anchor) return;
    history.scrollRestoration = "manual";
    const served = new Map(this.items.map((item) => [item.id, item.html]));
    this.pages = kept.pages;
    this.next = kept.next;
    this.items = kept.items.map(([id, r, page]) => ({ id, r: r / 100, page, html: served.get(id) ?? null }));
    this.#clear();
    this.first = this.last = 0;
    this.#measure();
    this.#stand(kept.anchor, kept.offset);
  }
}

const shapeOf = (tile) => Number([...tile.classList].find((name) => /^r-\d+$/.test(name))?.slice(2) ?? 100) / 100;

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  return holder.content.firstElementChild;
}

function blank(item) {
  const tile = document.createElement("li");
  tile.className = `tile r-${Math.round(item.r * 100)}`;
  tile.dataset.id = item.id;
  return tile;
}

export function describe(tile) {
  const image = tile.querySelector("img");
  return {
    id: tile.dataset.id,
    key: tile.dataset.key,
    type: tile.dataset.video ? "video" : image ? "image" : "audio",
    alt: image?.alt ?? tile.textContent.trim(),
    thumb: image?.currentSrc || image?.src || "",
    width: Number(image?.getAttribute("width")) || 1,
    height: Number(image?.getAttribute("height")) || 1,
    level: Number(tile.dataset.level) || 0,
  };
}

// A short list that is all there: the pictures of a post, what looks alike.
export class Shelf extends EventTarget {
  constructor(list) {
    super();
    this.list = list;
    this.renew();
  }

  renew() {
    this.tiles = [...this.list.querySelectorAll(".tile")];
    for (const tile of this.tiles) if (!tile.querySelector("canvas")) soften(tile);
  }

  get count() {
    return this.tiles.length;
  }

  indexOf(id) {
    return this.tiles.findIndex((tile) => tile.dataset.id === id);
  }

  about(index) {
    return this.tiles[index] ? describe(this.tiles[index]) : null;
  }

  tileOf(index) {
    return this.tiles[index] ?? null;
  }

  patch(id, change) {
    const tile = this.tiles[this.indexOf(id)];
    if (tile) change(tile);
  }

  remove(ids) {
    const gone = new Set(ids);
    for (const tile of this.tiles) if (gone.has(tile.dataset.id)) tile.remove();
    this.tiles = this.tiles.filter((tile) => !gone.has(tile.dataset.id));
  }

  show(index) {
    this.tiles[index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  more() {}
}

// After a page was renewed: shelves that went are forgotten, the others and new ones know their tiles.
export function renewShelves(lists) {
  const stand = lists.filter((list) => !(list instanceof Shelf) || list.list.isConnected);
  for (const list of document.querySelectorAll("[data-wall]:not([id]), [data-strip]")) {
    const known = stand.findIndex((one) => one.list === list);
    if (known >= 0) stand[known].renew();
    else stand.push(new Shelf(list));
  }
  lists.splice(0, lists.length, ...stand);
}
