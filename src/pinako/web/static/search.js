// The search box: what the last word may become, and searches that were put aside in this browser.

import { words } from "./words.js";

const KEPT = "pinako-searches";
const MOST_KEPT = 30;
const PAUSE_MS = 120;

const saved = () => {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
};
const save = (list) => localStorage.setItem(KEPT, JSON.stringify(list.slice(0, MOST_KEPT)));

class Suggestions {
  constructor(input, { whole }) {
    this.input = input;
    this.whole = whole;
    this.chosen = -1;
    this.list = document.createElement("ul");
    this.list.className = "suggestions";
    this.list.id = `suggestions-${Math.random().toString(36).slice(2, 8)}`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", words.suggestions);
    this.list.hidden = true;
    input.after(this.list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", this.list.id);
    input.addEventListener("input", () => this.#soon());
    input.addEventListener("focus", () => this.#soon());
    input.addEventListener("blur", () => setTimeout(() => this.hide(), 120));
    input.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.#take(event.target.closest("li"), event));
  }

  hide() {
    this.list.hidden = true;
    this.chosen = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  async #ask() {
    const text = this.input.value;
    if (!text.trim()) return this.#show(this.whole ? saved().map((one) => ({ ...one, kind: "saved" })) : []);
    const kind = this.whole ? "" : "&only=tags";
    const response = await fetch(`/search/suggest?text=${encodeURIComponent(text)}${kind}`);
    if (!response.ok || text !== this.input.value || document.activeElement !== this.input) return undefined;
    const found = await response.json();
    if (this.whole && !saved().some((one) => one.value === text.trim())) found.push({ kind: "save", label: words.saveSearch, value: text.trim() });
    return this.#show(found);
  }

  #show(found) {
    this.chosen = -1;
    this.found = found;
    this.list.replaceChildren(...found.map((one, at) => this.#line(one, at)));
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
  }

  #line(one, at) {
    const line = document.createElement("li");
    line.id = `${this.list.id}-${at}`;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", "false");
    line.append(one.label ?? one.value);
    if (one.kind === "saved") {
      const forget = Object.assign(document.createElement("button"), { type: "button", textContent: "×", title: words.forgetSearch, tabIndex: -1 });
      forget.setAttribute("aria-label", words.forgetSearch);
      line.append(forget);
    } else if (words[one.kind]) {
      line.append(Object.assign(document.createElement("span"), { className: "quiet", textContent: words[one.kind] + (one.count ? ` · ${one.count}` : "") }));
    }
    return line;
  }

  #choose(at) {
    const lines = [...this.list.children];
    if (!lines.length) return;
    this.chosen = (at + lines.length) % lines.length;
    lines.forEach((line, i) => line.setAttribute("aria-selected", String(i === this.chosen)));
    this.input.setAttribute("aria-activedescendant", lines[this.chosen].id);
    lines[this.chosen].scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      event.preventDefault();
      this.hide();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (this.list.hidden) return;
      event.preventDefault();
      this.#choose(this.chosen + (event.key === "ArrowDown" ? 1 : this.chosen < 0 ? 0 : -1));
    } else if (event.key === "Enter" && this.chosen >= 0) {
      event.preventDefault();
      this.#take(this.list.children[this.chosen], event);
    }
  }

  #take(line, event) {
    if (!line) return;
    const one = this.found[[...this.list.children].indexOf(line)];
    if (one.kind === "saved" && event.target.closest("button")) {
      save(saved().filter((other) => other.value !== one.value));
      this.#ask();
    } else if (one.kind === "save") {
      save([{ value: one.value }, ...saved()]);
      this.hide();
    } else if (one.address) {
      location.href = one.address;
    } else {
      this.input.value = one.value;
      this.hide();
      if (one.kind === "saved") this.input.form.requestSubmit();
      else this.input.focus();
    }
  }
}

export function startSearch() {
  const box = document.getElementById("query");
  if (box) new Suggestions(box, { whole: true });
  for (const input of document.querySelectorAll('[data-suggest="tags"]')) {
    input.parentNode.classList.add("suggesting");
    new Suggestions(input, { whole: false });
  }
}
