// One's own keys, logins and preferences; the trash; what waits for a moderator.

import { attempt, mutate, send } from "./calls.js";
import { askFor, choice, closing, element, labelled, open } from "./dialogs.js";
import { remember } from "./controls.js";
import { note } from "./notes.js";
import { words } from "./words.js";

async function makeKey() {
  const name = element("input", { name: "name", required: true, maxLength: 100, autocomplete: "off" });
  const scope = choice("scope", [["read", words.mayRead], ["write", words.mayWrite]]);
  const given = await askFor(words.newKey, [labelled(words.name, name), labelled(words.may, scope)], words.make);
  if (!given) return;
  const made = await attempt(() => send("POST", "/api/v1/pinako/keys", { name: given.get("name"), scope: given.get("scope") }));
  if (!made) return;
  const shown = element("input", { readOnly: true, value: made.key, className: "box", "aria-label": words.key });
  const copy = element("button", { type: "button", className: "button", "data-copy": made.key, textContent: words.copy });
  const dialog = open(words.keyOnce, [labelled(words.key, shown), element("p", { className: "quiet", textContent: words.keyNote }), element("div", { className: "row" }, copy, closing(() => dialog))], () => location.reload());
  shown.select();
}

async function endRow(button, address, said) {
  if (!(await attempt(() => send("DELETE", address).then(() => true)))) return;
  button.closest("tr").remove();
  note(said);
}

async function prefer(form) {
  const browsingLevel = [...form.querySelectorAll('[name="level"]:checked')].reduce((sum, box) => sum + Number(box.value), 0);
  if (!(await attempt(() => mutate("user.setSettings", { browsingLevel: browsingLevel || 1 }).then(() => true)))) return;
  remember("pinako-level", ""); // what this browser chose for itself gives way
  location.reload();
}

// Nothing of the list is left: a line says so in its place.
function over(text) {
  document.querySelector("main .scroll")?.remove();
  document.querySelector("[data-trash='empty']")?.remove();
  document.querySelector("main").append(element("p", { className: "quiet", textContent: text }));
}

async function onTrash(button) {
  const { trash: deed, ids } = button.dataset;
  const chosen = ids ? ids.split(",").map(Number) : null;
  if (deed === "restore") {
    if (!(await attempt(() => mutate("image.restore", { ids: chosen })))) return;
    note(words.restored);
  } else {
    const sure = await askFor(words.removeGood, [element("p", { textContent: words.removeGoodNote })], words.remove, "danger");
    if (!sure || !(await attempt(() => mutate("image.emptyTrash", chosen ? { ids: chosen } : {})))) return;
    note(words.removed);
  }
  if (chosen) button.closest("tr").remove();
  if (!chosen || !document.querySelector("[data-trash][data-ids]")) over(words.trashEmpty);
}

async function onReview(button) {
  const { review: deed, id } = button.dataset;
  if (deed === "purge") {
    const sure = await askFor(words.purge, [element("p", { textContent: words.purgeNote })], words.purge, "danger");
    if (!sure) return;
  }
  if (!(await attempt(() => send("POST", `/review/${id}`, { deed }).then(() => true)))) return;
  button.closest("[data-held]").remove();
  note(words.decided);
  if (!document.querySelector("[data-held]")) over(words.nothingWaits);
}

const DEEDS = {
  newKey: makeKey,
  revokeKey: (button) => endRow(button, `/api/v1/pinako/keys/${button.dataset.revokeKey}`, words.keyRevoked),
  endLogin: (button) => endRow(button, `/api/v1/pinako/sessions/${button.dataset.endLogin}`, words.loginEnded),
  trash: onTrash,
  review: onReview,
};

export function startSettings() {
  for (const button of document.querySelectorAll("[data-new-key]")) button.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    const deed = button && Object.keys(DEEDS).find((name) => name in button.dataset);
    if (deed) DEEDS[deed](button);
  });
  const form = document.querySelector("[data-preferences]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    prefer(form);
  });
}
