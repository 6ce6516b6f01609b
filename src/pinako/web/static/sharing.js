// Links that show a collection to whoever has them: made, copied and ended in one dialog.

import { attempt, send } from "./calls.js";
import { choice, closing, element, labelled, open } from "./dialogs.js";
import { LEVELS } from "./curate.js";
import { words } from "./words.js";

const PATH = "/api/v1/pinako/shares";
const DAYS = [1, 7, 30, 365];

const day = (ms) => new Date(ms).toISOString().slice(0, 10);
const namesOf = (mask) => LEVELS.filter((level) => mask & level).map((level) => words[`level${level}`]).join(", ");

function line(share, gone) {
  const address = element("input", { readOnly: true, value: share.url, className: "box", "aria-label": words.link });
  address.addEventListener("focus", () => address.select());
  const copy = element("button", { type: "button", className: "button quiet-button small", "data-copy": share.url, textContent: words.copy });
  const end = element("button", { type: "button", className: "button danger small", textContent: words.endLink });
  const made = element(
    "li",
    { className: "resource share" },
    element("div", {}, address, element("p", { textContent: words.linkNote.replace("{levels}", namesOf(share.level)).replace("{day}", day(share.expiresAt)) })),
    copy,
    end,
  );
  end.addEventListener("click", async () => {
    if (!(await attempt(() => send("DELETE", `${PATH}/${share.id}`).then(() => true)))) return;
    made.remove();
    gone();
  });
  return made;
}

async function share(collection) {
  const listed = await attempt(() => send("GET", `${PATH}?collectionId=${collection}`));
  if (!listed) return;
  const list = element("ul", { className: "list", role: "list" });
  const none = element("p", { className: "quiet", textContent: words.noLinks });
  const tell = () => (none.hidden = list.children.length > 0);
  const add = (one) => {
    list.prepend(line(one, tell));
    tell();
  };
  listed.items.reverse().forEach(add);
  tell();
  const boxes = LEVELS.filter((level) => Number(document.body.dataset.cap) & level).map((level) =>
    element("label", { className: "check" }, element("input", { type: "checkbox", name: "level", value: level, checked: level === 1 }), words[`level${level}`]),
  );
  const form = element(
    "form",
    { className: "stack" },
    element("fieldset", {}, element("legend", { textContent: words.shareLevels }), ...boxes),
    labelled(words.shareDays, choice("days", DAYS.map((count) => [count, words[`days${count}`]]), 30)),
    element("div", { className: "row" }, element("button", { type: "submit", className: "button", textContent: words.makeLink }), closing(() => dialog)),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = new FormData(form);
    const level = given.getAll("level").reduce((sum, bit) => sum + Number(bit), 0);
    const made = await attempt(() => send("POST", PATH, { collectionId: collection, level, days: Number(given.get("days")) }));
    if (!made) return;
    add(made);
    list.querySelector("input").focus();
  });
  const dialog = open(words.share, [element("p", { className: "quiet", textContent: words.shareLead }), none, list, form]);
}

export function startSharing() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-share]");
    if (button) share(Number(button.dataset.share));
  });
}
