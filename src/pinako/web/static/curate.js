// What a signed-in visitor does to things: reactions, votes on tags, follows.

import { attempt, mutate } from "./calls.js";

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

export function startCurating() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-reaction], button[data-way], button[data-follow]");
    if (!button) return;
    if (button.dataset.reaction) react(button);
    else if (button.dataset.way) vote(button);
    else follow(button);
  });
}
