// Lists of cards: they grow as one comes near their end, up to a bound; from there the next page is a page of its own.

import { follow } from "./live.js";

const MOST = 360;
const SOON_MS = 150;

class Cards {
  constructor(list) {
    this.list = list;
    this.next = list.dataset.next;
    this.entity = list.dataset.cards;
    this.waits = 0;
    // Each card as it was served, and the cursor of the part that it came with: to see what became of it.
    this.served = new Map();
    this.#keep([...list.children], new URLSearchParams(location.search).get("cursor"));
    this.foot = list.parentNode.querySelector(".more");
    if (!this.foot || !this.next) return;
    this.near = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.grow(), { rootMargin: "1200px" });
    this.near.observe(this.foot);
  }

  address(cursor) {
    const { address } = this.list.dataset;
    return cursor ? `${address}${address.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : address;
  }

  async grow() {
    if (this.busy || !this.next) return;
    this.busy = true;
    const part = await this.#ask(this.next);
    this.busy = false;
    if (!part) return; // the link at the foot is still there
    this.#keep(part.cards, this.next);
    this.list.append(...part.cards.filter((one) => !this.cardOf(one.dataset.id)));
    this.next = part.next;
    if (!this.next) {
      this.near.disconnect();
      this.foot.remove();
    } else if (this.list.children.length >= MOST) {
      this.near.disconnect();
      this.foot.querySelector("a").href = this.address(this.next);
    } else {
      // Asked again, so that a foot still in view brings the next part.
      this.near.unobserve(this.foot);
      this.near.observe(this.foot);
    }
  }

  ids() {
    return [...this.list.children].map((one) => one.dataset.id);
  }

  cardOf(id) {
    return this.list.querySelector(`:scope > [data-id="${id}"]`);
  }

  remove(ids) {
    for (const id of ids) this.cardOf(id)?.remove();
  }

  // A card is another now. Those of the first part are seen by `look`.
  changed(id) {
    const cursor = this.served.get(id)?.cursor;
    if (!cursor) return;
    (this.parts ??= new Set()).add(cursor);
    this.timer ??= setTimeout(async () => {
      const parts = [...this.parts];
      this.parts = this.timer = null;
      for (const one of parts) this.#renew((await this.#ask(one))?.cards ?? [], one);
    }, SOON_MS);
  }

  // What stands at the head by now: cards that are here are as they are now. How many are not here yet.
  async look() {
    const part = await this.#ask(null);
    if (!part) return 0;
    this.#renew(part.cards, null);
    this.head = part.cards;
    const kept = new Set(part.cards.map((one) => one.dataset.id));
    if (!part.next) for (const card of [...this.list.children]) if (!kept.has(card.dataset.id)) card.remove();
    this.waits = part.cards.filter((one) => !this.cardOf(one.dataset.id)).length;
    return this.waits;
  }

  // Puts what `look` found where it belongs.
  take() {
    let last = null;
    const head = this.head ?? [];
    this.#keep(head.filter((one) => !this.cardOf(one.dataset.id)), null);
    for (const one of head) {
      const mine = this.cardOf(one.dataset.id) ?? one;
      const place = last ? last.nextElementSibling : this.list.firstElementChild;
      if (place !== mine) this.list.insertBefore(mine, place);
      last = mine;
    }
    this.waits = 0;
    this.head = null;
  }

  #keep(cards, cursor) {
    for (const one of cards) this.served.set(one.dataset.id, { card: one.cloneNode(true), cursor });
  }

  #renew(cards, cursor) {
    for (const one of cards) {
      const here = this.cardOf(one.dataset.id);
      const known = this.served.get(one.dataset.id);
      if (!here || !known) continue;
      follow(here, known.card, one);
      this.#keep([one], cursor);
    }
  }

  async #ask(cursor) {
    const address = this.address(cursor);
    const asked = `${address}${address.includes("?") ? "&" : "?"}part=items`;
    const response = await fetch(asked, { headers: { accept: "application/json" } }).catch(() => null);
    if (!response?.ok) return null;
    const { html, next } = await response.json();
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return { cards: [...holder.content.children], next };
  }
}

export function startCards() {
  return [...document.querySelectorAll("[data-cards]")].map((list) => new Cards(list));
}
