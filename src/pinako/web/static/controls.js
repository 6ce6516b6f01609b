// Small things of every page: light or dark, levels, menus, copying, filters that apply at once.

import { words } from "./words.js";
import { note } from "./notes.js";

const root = document.documentElement;
const YEAR = 31536000;

export function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}

function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => root.toggleAttribute("data-dark", (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark");
  dark.addEventListener("change", show);
  show();
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = root.hasAttribute("data-dark") ? "light" : "dark";
    remember("pinako-theme", root.dataset.theme);
    show();
  });
}

function chooseLevels() {
  const blur = document.querySelector("[data-blur]:not(:root)");
  root.toggleAttribute("data-blur", localStorage.getItem("pinako-blur") === "1");
  if (blur) {
    blur.checked = root.hasAttribute("data-blur");
    blur.addEventListener("change", () => {
      localStorage.setItem("pinako-blur", blur.checked ? "1" : "0");
      root.toggleAttribute("data-blur", blur.checked);
    });
  }
  const form = document.querySelector("[data-levels]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const mask = [...form.querySelectorAll('[name="browsingLevel"]:checked')].reduce((sum, box) => sum + Number(box.value), 0);
    remember("pinako-level", mask || 1);
    const there = new URL(location.href);
    there.searchParams.delete("browsingLevel");
    there.searchParams.delete("cursor");
    location.href = there.href;
  });
}

// On a narrow screen the tab that is open may be one of those to scroll to.
function showTab() {
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    const row = tab.parentNode;
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }
}

// Whoever comes back sees the filters of this page, not those that led away from it, which browsers put into its fields.
function showAsServed() {
  addEventListener("pageshow", (event) => {
    if (!event.persisted && performance.getEntriesByType("navigation")[0]?.type === "navigate") return;
    for (const form of document.querySelectorAll("[data-filters], [data-search]")) form.reset();
  });
}

function tendMenus() {
  const menus = () => document.querySelectorAll("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    note(words.copied);
  } catch {
    // Without a secure origin there is no clipboard; the old way needs a selection.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    note(document.execCommand("copy") ? words.copied : words.copyFailed);
    area.remove();
  }
}

function copyOnClick() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-from], [data-copy-address]");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.copyAddress) {
      const response = await fetch(button.dataset.copyAddress);
      await copyText(response.ok ? await response.text() : "");
    } else if (button.dataset.copyFrom) {
      await copyText(document.getElementById(button.dataset.copyFrom)?.textContent ?? "");
    } else {
      await copyText(button.dataset.copy);
    }
  });
}

// An address of a filter form without what says nothing.
export function addressOf(form) {
  const pairs = [...new FormData(form)].filter(([, value]) => value !== "" && value !== "AllTime");
  const asked = new URLSearchParams(pairs).toString();
  return form.getAttribute("action") + (asked ? `?${asked}` : "");
}

function applyFilters() {
  for (const form of document.querySelectorAll("[data-filters]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      location.href = addressOf(form);
    });
    for (const select of form.querySelectorAll("select")) select.addEventListener("change", () => form.requestSubmit());
  }
}

export function startControls() {
  followTheme();
  chooseLevels();
  showTab();
  showAsServed();
  tendMenus();
  copyOnClick();
  applyFilters();
}
