// What a signed-in visitor does to things: reactions, votes on tags, follows, collections, the trash.

import { attempt, mutate, query } from "./calls.js";
import { askFor, element } from "./dialogs.js";
import { note } from "./notes.js";
import { words } from "./words.js";

async function react(button) {
  const { entity, id, reaction } = button.dataset;
  const on = button.getAttribute("aria-pressed") === "true";
  const done = await attempt(() => mutate("reaction.toggle", { entityId: Number(id), entityType: entity, reaction }).then(() => true));
  if (!done) return;
  button.setAttribute("aria-pressed", String(!on));
  const count = button.querySelector("[data-count]");
  count.textContent = Math.max((Number(count.textContent) || 0) + (on ? -1 : 1), 0);
}

async function vote(button) {
  const { entity, id, tag, way } = button.dataset;
  const on = button.getAttribute("aria-pressed") === "true";
  const input = { id: Number(id), type: entity, tags: [tag], ...(on ? {} : { vote: Number(way) }) };
  const done = await attempt(() => mutate(on ? "tag.removeTagVotes" : "tag.addTagVotes", input).then(() => true));
  if (!done) return;
  for (const other of button.parentNode.querySelectorAll("[data-way]")) other.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-pressed", String(!on));
}

async function follow(button) {
  const done = await attempt(() => mutate("user.toggleFollow", { targetUserId: Number(button.dataset.follow) }).then(() => true));
  if (done) button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
}

const NEW = "new";

// Asks for a collection of pictures and puts these into it. True once that is done.
export async function collect(ids) {
  const own = await attempt(() => query("collection.getAllUser", { permissions: ["ADD", "ADD_REVIEW", "MANAGE"], type: "Image" }));
  if (!own) return false;
  const choose = element("select", { name: "collection" }, ...own.map((one) => element("option", { value: one.id, textContent: one.name })));
  choose.append(element("option", { value: NEW, textContent: words.newCollection }));
  const name = element("input", { name: "name", maxLength: 30, autocomplete: "off" });
  const named = element("label", { className: "field", hidden: own.length > 0 }, element("span", { textContent: words.name }), name);
  choose.addEventListener("change", () => ((named.hidden = choose.value !== NEW), named.hidden || name.focus()));
  const fields = [element("label", { className: "field" }, element("span", { textContent: words.collection }), choose), named];
  const given = await askFor(words.addTo, fields, words.add);
  if (!given) return false;
  const done = await attempt(() => save(ids, given.get("collection"), given.get("name").trim()));
  if (done) note(words.saved);
  return Boolean(done);
}

async function save(ids, chosen, name) {
  let id = Number(chosen);
  if (chosen === NEW) id = (await mutate("collection.upsert", { name, type: "Image", read: "Private", write: "Private" })).id;
  if (ids.length === 1) await mutate("collection.saveItem", { imageId: ids[0], type: "Image", collections: [{ collectionId: id }] });
  else await mutate("collection.bulkSaveItems", { collectionId: id, imageIds: ids });
  return true;
}

async function newCollection() {
  const name = element("input", { name: "name", maxLength: 30, required: true, autocomplete: "off" });
  const kinds = ["Image", "Post", "Model"].map((kind) => element("option", { value: kind, textContent: words[`kind${kind}`] }));
  const reads = ["Private", "Public", "Unlisted"].map((read) => element("option", { value: read, textContent: words[`read${read}`] }));
  const fields = [
    element("label", { className: "field" }, element("span", { textContent: words.name }), name),
    element("label", { className: "field" }, element("span", { textContent: words.holds }), element("select", { name: "type" }, ...kinds)),
    element("label", { className: "field" }, element("span", { textContent: words.seenBy }), element("select", { name: "read" }, ...reads)),
  ];
  const given = await askFor(words.newCollection, fields, words.make);
  if (!given) return;
  const input = { name: given.get("name").trim(), type: given.get("type"), read: given.get("read"), write: "Private" };
  const made = await attempt(() => mutate("collection.upsert", input));
  if (made) location.href = `/collections/${made.id}`;
}

// Puts pictures into the trash, with a way back. Those that went.
export async function discard(ids, { gone, back }) {
  const done = [];
  await attempt(async () => {
    for (const id of ids) {
      await mutate("image.delete", { id });
      done.push(id);
    }
  });
  if (!done.length) return;
  gone(done);
  note(words.deleted, {
    label: words.undo,
    run: async () => {
      const restored = await attempt(() => Promise.all(done.map((id) => mutate("image.restore", { id }))));
      if (!restored) return;
      note(words.restored);
      back(done);
    },
  });
}

function remove(button, walls) {
  const ids = button.dataset.delete.split(",").map(Number);
  const names = ids.map(String);
  const group = button.closest("[data-group]");
  discard(ids, {
    gone: () => {
      for (const wall of walls) wall.remove?.(names);
      if (group) group.hidden = true;
      else button.disabled = true;
    },
    back: () => location.reload(),
  });
}

export function startCurating(walls) {
  for (const made of document.querySelectorAll("[data-new-collection]")) made.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-reaction], button[data-way], button[data-follow], button[data-collect], button[data-delete], button[data-new-collection]");
    if (!button) return;
    if (button.dataset.reaction) react(button);
    else if (button.dataset.way) vote(button);
    else if (button.dataset.follow) follow(button);
    else if (button.dataset.collect) collect([Number(button.dataset.collect)]);
    else if (button.dataset.delete) remove(button, walls);
    else newCollection();
  });
}
