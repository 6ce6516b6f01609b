// Pieces of a page that cost more than the rest of it: fetched when they come near the view.

import { Shelf } from "./wall.js";

async function fill(place, lists) {
  const response = await fetch(place.dataset.later);
  if (!response.ok) return;
  place.innerHTML = await response.text();
  for (const list of place.querySelectorAll("[data-strip]")) lists.push(new Shelf(list));
}

export function startLater(lists) {
  const near = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        fill(target, lists);
      }
    },
    { rootMargin: "600px" },
  );
  for (const place of document.querySelectorAll("[data-later]")) near.observe(place);
}
