// What a signed-in visitor does to things: reactions, votes on tags, follows, hiding, collections, levels, the trash.

import { attempt, mutate, query } from "./calls.js";
import { askFor, choice, element, labelled } from "./dialogs.js";
import { note } from "./notes.js";
import { words } from "./words.js";

const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, on) => button.setAttribute("aria-pressed", String(on));

async function react(button) {
  const { entity, id, reaction } = button.dataset;
  const on = pressed(button);
  const count = button.querySelector("[data-count]");
  const before = count.textContent;
  const done = await attempt(() => mutate("reaction.toggle", { entityId: Number(id), entityType: entity, reaction }).then(() => true));
  if (!done) return;
  press(button, !on);
  // The stream of changes may have told of it before the answer came.
  if (count.textContent === before) count.textContent = Math.max((Number(before) || 0) + (on ? -1 : 1), 0);
}

async function vote(button) {
  const { entity, id, tag, way } = button.dataset;
  const on = pressed(button);
  const input = { id: Number(id), type: entity, tags: [tag], ...(on ? {} : { vote: Number(way), edit: true }) };
  const done = await attempt(() => mutate(on ? "tag.removeTagVotes" : "tag.addTagVotes", input).then(() => true));
  if (!done) return;
  for (const other of button.parentNode.querySelectorAll("[data-way]")) press(other, false);
  press(button, !on);
  if (!on && Number(way) < 0) refill(button);
}

async function addTag(form) {
  const field = form.elements.tag;
  const name = field.value.trim();
  if (!name) return;
  const { entity, id } = form.dataset;
  const input = { id: Number(id), type: entity, tags: [name], vote: 1, edit: true };
  if (!(await attempt(() => mutate("tag.addTagVotes", input).then(() => true)))) return;
  field.value = "";
  const place = await refill(form);
  const found = [...(place?.querySelectorAll(".tag a") ?? [])].some((link) => link.textContent.toLowerCase() === name.toLowerCase());
  note(found ? words.tagged : words.noSuchTag.replace("{name}", name));
  place?.querySelector("[data-tag-add] input")?.focus();
}

// The tags of a picture once more, as they are now.
async function refill(inside) {
  const place = inside.closest("[data-tags]");
  if (!place) return null;
  const response = await fetch(place.dataset.tags).catch(() => null);
  if (!response?.ok) return place;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-tags]");
  if (!fresh) return place;
  place.replaceWith(fresh);
  return fresh;
}

async function follow(button) {
  const done = await attempt(() => mutate("user.toggleFollow", { targetUserId: Number(button.dataset.follow) }).then(() => true));
  if (done) press(button, !pressed(button));
}

async function followShelf(button) {
  const on = pressed(button);
  const input = { collectionId: Number(button.dataset.followShelf) };
  const done = await attempt(() => mutate(on ? "collection.unfollow" : "collection.follow", input).then(() => true));
  if (done) press(button, !on);
}

async function hide(button) {
  const { hide: kind, id, name } = button.dataset;
  const on = pressed(button);
  const data = [{ id: Number(id), ...(name ? { name } : {}) }];
  const done = await attempt(() => mutate("hiddenPreferences.toggleHidden", { kind, data, hidden: !on }).then(() => true));
  if (!done) return;
  press(button, !on);
  note((on ? words.shownAgain : words.hidden).replace("{name}", name ?? ""));
}

const NEW = "new";
const KEYS = { Image: ["imageId", "imageIds"], Post: ["postId", "postIds"], Model: ["modelId", "modelIds"] };

// Asks for a collection and puts these things into it. True once that is done.
export async function collect(ids, kind = "Image") {
  const own = await attempt(() => query("collection.getAllUser", { permissions: ["ADD", "ADD_REVIEW", "MANAGE"], type: kind }));
  if (!own) return false;
  const choose = choice("collection", [...own.map((one) => [one.id, one.name]), [NEW, words.newCollection]]);
  const name = element("input", { name: "name", maxLength: 30, autocomplete: "off" });
  const named = labelled(words.name, name);
  const show = () => {
    named.hidden = choose.value !== NEW;
    name.required = !named.hidden;
  };
  show();
  choose.addEventListener("change", () => {
    show();
    if (!named.hidden) name.focus();
  });
  const given = await askFor(words.addTo, [labelled(words.collection, choose), named], words.add);
  if (!given) return false;
  const done = await attempt(() => save(ids, kind, given.get("collection"), given.get("name").trim()));
  if (done) note(words.saved, { label: words.look, run: () => (location.href = `/collections/${done}`) });
  return Boolean(done);
}

async function save(ids, kind, chosen, name) {
  let id = Number(chosen);
  if (chosen === NEW) id = (await mutate("collection.upsert", { name, type: kind, read: "Private", write: "Private" })).id;
  const [one, many] = KEYS[kind];
  if (ids.length === 1) await mutate("collection.saveItem", { [one]: ids[0], type: kind, collections: [{ collectionId: id }] });
  else await mutate("collection.bulkSaveItems", { collectionId: id, [many]: ids });
  return id;
}

// Takes pictures out of a collection.
export async function takeOut(ids, collection) {
  const done = await attempt(async () => {
    for (const itemId of ids) await mutate("collection.removeFromCollection", { collectionId: collection, itemId });
    return true;
  });
  if (done) note(words.takenOut);
  return Boolean(done);
}

async function newCollection() {
  const name = element("input", { name: "name", maxLength: 30, required: true, autocomplete: "off" });
  const fields = [
    labelled(words.name, name),
    labelled(words.holds, choice("type", ["Image", "Post", "Model"].map((kind) => [kind, words[`kind${kind}`]]))),
    labelled(words.seenBy, choice("read", ["Private", "Public", "Unlisted"].map((read) => [read, words[`read${read}`]]))),
  ];
  const given = await askFor(words.newCollection, fields, words.make);
  if (!given) return;
  const input = { name: given.get("name").trim(), type: given.get("type"), read: given.get("read"), write: "Private" };
  const made = await attempt(() => mutate("collection.upsert", input));
  if (made) location.href = `/collections/${made.id}`;
}

// --- levels

export const LEVELS = [1, 2, 4, 8, 16];
const nameOf = (level) => words[`level${level}`] ?? "?";
const seenLevels = () => LEVELS.filter((level) => Number(document.body.dataset.cap) & level);

// Gives pictures a level and says so, with a way back to those that they had (`before`: level by id). Those that have it now.
export async function rate(ids, level, before = new Map()) {
  const done = await attempt(() => mutate("image.updateImageNsfwLevel", { ids, nsfwLevel: level }).then((told) => told.ids));
  if (!done) return [];
  showLevel(done, level);
  const known = done.filter((id) => LEVELS.includes(before.get(id)));
  const back = async () => {
    for (const old of new Set(known.map((id) => before.get(id)))) {
      const those = known.filter((id) => before.get(id) === old);
      const told = await attempt(() => mutate("image.updateImageNsfwLevel", { ids: those, nsfwLevel: old }));
      if (told) showLevel(those, old);
    }
  };
  note(words.rated.replace("{level}", nameOf(level)), known.length ? { label: words.undo, run: back } : undefined);
  return done;
}

function showLevel(ids, level) {
  for (const id of ids) {
    for (const button of document.querySelectorAll(`[data-rate][data-id="${id}"]`)) press(button, Number(button.dataset.rate) === level);
    for (const tile of document.querySelectorAll(`.tile[data-id="${id}"], .viewer[data-id="${id}"], [data-stage][data-id="${id}"]`)) tile.dataset.level = level;
  }
}

export async function askLevel(ids) {
  const options = seenLevels().map((level) => [level, nameOf(level)]);
  const given = await askFor(words.rate, [labelled(words.level, choice("level", options))], words.rate);
  return given ? rate(ids, Number(given.get("level"))) : [];
}

function rateByButton(button) {
  const id = Number(button.dataset.id);
  const before = [...button.parentNode.querySelectorAll("[data-rate]")].find(pressed);
  rate([id], Number(button.dataset.rate), new Map(before ? [[id, Number(before.dataset.rate)]] : []));
}

// Digits rate what has the keyboard: 1 to 5 are the levels from PG on.
function rateByKey(event) {
  if (document.body.dataset.writes !== "1" || event.ctrlKey || event.metaKey || event.altKey || !/^[1-5]$/.test(event.key)) return;
  if (event.target.closest?.("input, textarea, select") || document.querySelector("dialog.ask[open]")) return;
  const viewer = document.querySelector("dialog.viewer[open]");
  const thing = viewer ? viewer : event.target.closest?.(".tile") ?? document.querySelector("[data-stage]");
  const level = LEVELS[Number(event.key) - 1];
  if (!thing?.dataset.id || document.documentElement.classList.contains("picking") || !seenLevels().includes(level)) return;
  event.preventDefault();
  const id = Number(thing.dataset.id);
  rate([id], level, new Map([[id, Number(thing.dataset.level)]]));
}

// --- the trash

// Puts pictures into the trash, with a way back. Those that went.
export async function discard(ids, { gone, back }) {
  const done = await attempt(() => mutate("image.bulkDelete", { ids }).then((told) => told.ids));
  if (!done?.length) return;
  gone(done);
  note(words.deleted, {
    label: words.undo,
    run: async () => {
      if (!(await attempt(() => mutate("image.restore", { ids: done })))) return;
      note(words.restored);
      back(done);
    },
  });
}

function remove(button, lists) {
  const ids = button.dataset.delete.split(",").map(Number);
  const names = ids.map(String);
  const group = button.closest("[data-group]");
  discard(ids, {
    gone: () => {
      for (const list of lists) list.remove?.(names);
      if (group) group.hidden = true;
      else button.disabled = true;
    },
    back: () => (group || button.closest("dialog") ? ((button.disabled = false), group && (group.hidden = false)) : location.reload()),
  });
}

const DEEDS = {
  reaction: react,
  way: vote,
  follow,
  followShelf,
  hide,
  collect: (button) => collect([Number(button.dataset.collect)], button.dataset.kind),
  delete: remove,
  rate: rateByButton,
  newCollection,
};

async function suggestTags(input) {
  const list = document.getElementById(input.getAttribute("list"));
  const text = input.value.trim();
  if (!list || text.length < 2) return;
  const response = await fetch(`/search/suggest?text=${encodeURIComponent(text)}&only=tags`).catch(() => null);
  if (!response?.ok || text !== input.value.trim()) return;
  list.replaceChildren(...(await response.json()).map((one) => element("option", { value: one.value })));
}

export function startCurating(lists) {
  for (const made of document.querySelectorAll("[data-new-collection]")) made.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    const deed = button && Object.keys(DEEDS).find((name) => name in button.dataset);
    if (deed) DEEDS[deed](button, lists);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("[data-tag-add]");
    if (!form) return;
    event.preventDefault();
    addTag(form);
  });
  document.addEventListener("input", (event) => event.target.closest?.("[data-tag-add]") && suggestTags(event.target));
  document.addEventListener("keydown", rateByKey);
}
