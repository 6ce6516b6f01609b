// Words of one's own things: posts, models, versions, collections; and what becomes of a whole post or collection.

import { attempt, mutate } from "./calls.js";
import { askFor, choice, element, labelled } from "./dialogs.js";
import { note } from "./notes.js";
import { words } from "./words.js";

// One field of a form: {name, label, value, kind, most, options}. Kinds: text, area, list (by commas), choice.
function control({ name, value, kind, most, options }) {
  if (kind === "choice") return choice(name, options, value);
  if (kind === "area") return element("textarea", { name, value: value ?? "", rows: 6, maxLength: most ?? 100000 });
  const shown = kind === "list" ? (value ?? []).join(", ") : value ?? "";
  return element("input", { name, value: shown, maxLength: most ?? 1000, autocomplete: "off", required: kind === "needed" });
}

const read = (given, { name, kind }) => {
  const text = given.get(name).trim();
  return kind === "list" ? text.split(",").map((one) => one.trim()).filter(Boolean) : text;
};

async function edit(button) {
  const fields = JSON.parse(button.dataset.fields);
  const given = await askFor(button.dataset.title ?? words.edit, fields.map((field) => labelled(field.label, control(field))), words.save);
  if (!given) return;
  const changed = fields.filter((field) => JSON.stringify(read(given, field)) !== JSON.stringify(field.value ?? (field.kind === "list" ? [] : "")));
  if (!changed.length) return;
  const always = JSON.parse(button.dataset.always ?? "{}");
  const input = { id: Number(button.dataset.id), ...always, ...Object.fromEntries(changed.map((field) => [field.name, read(given, field)])) };
  if (await attempt(() => mutate(button.dataset.edit, input).then(() => true))) location.reload();
}

async function tagPost(form) {
  const name = form.elements.tag.value.trim();
  if (name && (await attempt(() => mutate("post.addTag", { id: Number(form.dataset.postTag), name }).then(() => true)))) location.reload();
}

async function untagPost(button) {
  const input = { id: Number(button.dataset.post), tagId: Number(button.dataset.untag) };
  if (await attempt(() => mutate("post.removeTag", input).then(() => true))) button.closest("li").remove();
}

async function publish(button) {
  const input = { id: Number(button.dataset.publishPost), publishedAt: new Date().toISOString() };
  if (await attempt(() => mutate("post.update", input, { publishedAt: ["Date"] }).then(() => true))) location.reload();
}

async function dropPost(button) {
  const id = Number(button.dataset.dropPost);
  if (!(await attempt(() => mutate("post.delete", { id }).then(() => true)))) return;
  const page = button.closest("article");
  page.hidden = true;
  note(words.deleted, {
    label: words.undo,
    run: async () => {
      if (!(await attempt(() => mutate("post.restore", { id }).then(() => true)))) return;
      page.hidden = false;
      note(words.restored);
    },
  });
}

async function dropShelf(button) {
  const sure = await askFor(words.dropShelf, [element("p", { textContent: words.dropShelfNote })], words.delete, "danger");
  if (sure && (await attempt(() => mutate("collection.delete", { id: Number(button.dataset.dropShelf) }).then(() => true)))) location.href = "/collections?mine=true";
}

const DEEDS = { edit, untag: untagPost, publishPost: publish, dropPost, dropShelf };

export function startEditing() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    const deed = button && Object.keys(DEEDS).find((name) => name in button.dataset);
    if (deed) DEEDS[deed](button);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("[data-post-tag]");
    if (!form) return;
    event.preventDefault();
    tagPost(form);
  });
}
