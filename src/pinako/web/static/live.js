// What a page says, as it is by now: fetched once more after a change, and put in place where the server says something else.
//
// A page names the things that it is about (`data-about`) and marks the regions that are the server's alone (`data-live`). Three
// versions of a region are held side by side: as served before, as served now, and as it stands here; only what differs between
// the first two is touched, so what scripts and people have opened, pressed or typed stays.

const regions = (root) => [...root.querySelectorAll("[data-live]")].filter((one) => !one.parentElement.closest("[data-live]"));
const byId = (list) => new Map([...list.children].map((one) => [one.dataset.id, one]));
const keyed = (list) => list.children.length > 0 && [...list.children].every((one) => one.dataset.id);
const writing = (region) => region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

// Makes `here`, which was served as `before`, what is served `now`. The node that stands there then.
export function follow(here, before, now) {
  if (before.isEqualNode(now)) return here;
  if (now.nodeType !== Node.ELEMENT_NODE || here.nodeName !== now.nodeName || before.nodeName !== now.nodeName) {
    const fresh = document.importNode(now, true);
    here.replaceWith(fresh);
    return fresh;
  }
  followAttributes(here, before, now);
  if (keyed(before) && keyed(now)) followList(here, before, now);
  else followChildren(here, before, now);
  return here;
}

function followAttributes(here, before, now) {
  for (const { name, value } of now.attributes) if (before.getAttribute(name) !== value) here.setAttribute(name, value);
  for (const { name } of before.attributes) if (!now.hasAttribute(name)) here.removeAttribute(name);
}

function followChildren(here, before, now) {
  const [stand, old, fresh] = [here, before, now].map((one) => [...one.childNodes]);
  if (stand.length === fresh.length && old.length === fresh.length) fresh.forEach((one, i) => follow(stand[i], old[i], one));
  else here.replaceChildren(...fresh.map((one) => document.importNode(one, true)));
}

function followList(here, before, now) {
  const [stand, old, fresh] = [here, before, now].map(byId);
  for (const [id, one] of stand) if (!fresh.has(id)) one.remove();
  let last = null;
  for (const [id, one] of fresh) {
    const mine = stand.has(id) ? follow(stand.get(id), old.get(id) ?? stand.get(id), one) : document.importNode(one, true);
    const place = last ? last.nextElementSibling : here.firstElementChild;
    if (place !== mine) here.insertBefore(mine, place);
    last = mine;
  }
}

// The page that is open. To be made before other scripts change anything.
export class Page {
  constructor() {
    this.about = new Set((document.querySelector("main").dataset.about ?? "").split(" ").filter(Boolean));
    this.served = new Map(regions(document).map((one) => [one.dataset.live, one.cloneNode(true)]));
  }

  // The things that it is about, ids by kind.
  things() {
    const found = {};
    for (const [entity, id] of [...this.about].map((one) => one.split(":"))) if (id) (found[entity] ??= []).push(id);
    return found;
  }

  // Whether a change is one of what this page is about.
  concerns({ entity, id }) {
    return this.about.has(entity) || this.about.has(`${entity}:${id}`);
  }

  // Looks at the page once more. False: it is no longer there.
  async look() {
    if (!this.served.size) return true;
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!response.ok) return ![404, 410].includes(response.status);
    const fresh = regions(new DOMParser().parseFromString(await response.text(), "text/html"));
    if (fresh.length !== this.served.size) location.reload(); // what was empty has something now
    for (const one of fresh) this.#renew(one);
    return true;
  }

  #renew(fresh) {
    const name = fresh.dataset.live;
    const here = document.querySelector(`[data-live="${name}"]`);
    const before = this.served.get(name);
    if (!here || !before || writing(here)) return; // whoever writes there is not disturbed: the next look is soon enough
    this.served.set(name, fresh.cloneNode(true));
    follow(here, before, fresh);
  }
}
