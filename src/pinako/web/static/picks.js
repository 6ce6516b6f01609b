// Choosing many pictures of a wall and doing one thing with all of them.

import { LEVELS, askLevel, collect, discard, rate, takeOut } from "./curate.js";
import { element } from "./dialogs.js";
import { words } from "./words.js";

const KEPT = "pinako-picks-";

class Picks {
  constructor(wall, button) {
    this.wall = wall;
    this.button = button;
    this.chosen = new Set(JSON.parse(sessionStorage.getItem(KEPT + wall.key) ?? "[]"));
    button.hidden = false;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.turn(!this.on));
    wall.addEventListener("made", (event) => this.#mark(event.detail));
    wall.list.addEventListener("click", (event) => this.#click(event), true);
    document.addEventListener("keydown", (event) => this.#key(event));
    if (this.chosen.size) this.turn(true);
  }

  get on() {
    return document.documentElement.classList.contains("picking");
  }

  turn(on) {
    document.documentElement.classList.toggle("picking", on);
    this.button.setAttribute("aria-pressed", String(on));
    if (!on) this.chosen.clear();
    for (const tile of this.wall.list.querySelectorAll(".tile")) this.#mark(tile);
    this.#show();
  }

  flip(id, on = !this.chosen.has(id)) {
    if (on) this.chosen.add(id);
    else this.chosen.delete(id);
    const tile = this.wall.list.querySelector(`.tile[data-id="${id}"]`);
    if (tile) this.#mark(tile);
    this.#show();
  }

  #mark(tile) {
    const on = this.chosen.has(tile.dataset.id);
    tile.classList.toggle("picked", on);
    const link = tile.querySelector("a");
    if (!link) return;
    if (this.on) {
      link.setAttribute("role", "checkbox");
      link.setAttribute("aria-checked", String(on));
    } else {
      link.removeAttribute("role");
      link.removeAttribute("aria-checked");
    }
  }

  #click(event) {
    const link = event.target.closest(".tile > a:first-child");
    if (!this.on || !link) return;
    event.preventDefault();
    event.stopPropagation();
    const { id } = link.parentNode.dataset;
    if (event.shiftKey && this.anchor) this.#range(this.anchor, id);
    else this.flip(id);
    this.anchor = id;
  }

  #range(from, to) {
    const [low, high] = [this.wall.indexOf(from), this.wall.indexOf(to)].sort((a, b) => a - b);
    for (let i = Math.max(low, 0); i <= high; i++) this.flip(this.wall.items[i].id, true);
  }

  #key(event) {
    if (document.querySelector("dialog[open]") || event.target.closest?.("input, textarea, select")) return;
    const tile = event.target.closest?.(".tile");
    if (event.key === "x" && tile && this.wall.list.contains(tile)) {
      if (!this.on) this.turn(true);
      this.flip(tile.dataset.id);
    } else if (event.key === " " && tile && this.on) {
      event.preventDefault();
      this.flip(tile.dataset.id);
    } else if (this.chosen.size && /^[1-5]$/.test(event.key) && Number(document.body.dataset.cap) & LEVELS[event.key - 1]) {
      event.preventDefault();
      rate(this.#ids(), LEVELS[event.key - 1], this.#levels());
    } else if (event.key === "Escape" && this.on) {
      this.turn(false);
    }
  }

  #show() {
    sessionStorage.setItem(KEPT + this.wall.key, JSON.stringify([...this.chosen]));
    this.bar?.remove();
    if (!this.chosen.size) return;
    const shelf = document.querySelector("[data-shelf][data-manage]")?.dataset.shelf;
    this.bar = element(
      "div",
      { className: "picks", role: "group" },
      element("strong", { textContent: words.selected.replace("{count}", this.chosen.size), "aria-live": "polite" }),
      this.#action(words.addTo, async () => (await collect(this.#ids())) && this.turn(false)),
      ...(shelf ? [this.#action(words.takeOut, () => this.#takeOut(Number(shelf)))] : []),
      this.#action(words.rate, () => askLevel(this.#ids())),
      this.#action(words.delete, () => this.#discard(this.#ids()), "danger"),
      this.#action(words.clear, () => this.turn(false)),
    );
    document.body.append(this.bar);
  }

  #action(text, run, kind = "quiet-button") {
    const made = element("button", { type: "button", className: `button small ${kind}`, textContent: text });
    made.addEventListener("click", run);
    return made;
  }

  #ids() {
    return [...this.chosen].map(Number);
  }

  // The levels that the chosen ones have, as far as they are in view: what rating them anew can be taken back to.
  #levels() {
    const tiles = [...this.wall.list.querySelectorAll(".tile.picked")];
    return new Map(tiles.map((tile) => [Number(tile.dataset.id), Number(tile.dataset.level)]));
  }

  async #takeOut(shelf) {
    const ids = this.#ids();
    if (!(await takeOut(ids, shelf))) return;
    this.wall.remove(ids.map(String));
    this.turn(false);
  }

  #discard(ids) {
    discard(ids, {
      gone: (done) => {
        this.wall.remove(done.map(String));
        this.turn(false);
      },
      back: () => location.reload(),
    });
  }
}

export function startPicking(walls) {
  const button = document.querySelector("[data-pick]");
  const wall = walls.find((one) => one.key);
  if (button && wall) new Picks(wall, button);
}
