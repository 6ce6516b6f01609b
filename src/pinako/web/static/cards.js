// Lists of cards: they grow as one comes near their end, up to a bound; from there the next page is a page of its own.

const MOST = 360;

class Cards {
  constructor(list) {
    this.list = list;
    this.next = list.dataset.next;
    this.foot = list.parentNode.querySelector(".more");
    if (!this.foot || !this.next) return;
    this.near = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.grow(), { rootMargin: "1200px" });
    this.near.observe(this.foot);
  }

  address(cursor) {
    const { address } = this.list.dataset;
    return `${address}${address.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
  }

  async grow() {
    if (this.busy || !this.next) return;
    this.busy = true;
    const response = await fetch(`${this.address(this.next)}&part=items`, { headers: { accept: "application/json" } }).catch(() => null);
    this.busy = false;
    if (!response?.ok) return; // the link at the foot is still there
    const part = await response.json();
    this.list.insertAdjacentHTML("beforeend", part.html);
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
}

export function startCards() {
  for (const list of document.querySelectorAll("[data-cards]")) new Cards(list);
}
