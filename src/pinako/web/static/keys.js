// Moving about a wall by keyboard: arrows from tile to tile, Home and End, slash for the search box.

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

function beside(tile, key) {
  const list = tile.closest(".wall, .strip");
  const tiles = [...list.querySelectorAll(".tile")];
  const at = tiles.indexOf(tile);
  if (key === "ArrowLeft") return tiles[at - 1];
  if (key === "ArrowRight") return tiles[at + 1];
  if (key === "Home") return tiles[0];
  if (key === "End") return tiles.at(-1);
  const here = tile.getBoundingClientRect();
  const middle = here.left + here.width / 2;
  const boxes = tiles.map((one) => [one, one.getBoundingClientRect()]);
  const down = key === "ArrowDown";
  const other = boxes.filter(([, box]) => (down ? box.top > here.top + 2 : box.top < here.top - 2));
  if (!other.length) return undefined;
  const line = (down ? Math.min : Math.max)(...other.map(([, box]) => box.top));
  const row = other.filter(([, box]) => Math.abs(box.top - line) < 2);
  return row.reduce((best, one) => (gap(one[1], middle) < gap(best[1], middle) ? one : best))[0];
}

const gap = (box, middle) => Math.abs(box.left + box.width / 2 - middle);

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      document.getElementById("query")?.focus();
      return;
    }
    const tile = event.target.closest?.(".tile");
    if (!tile || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    const next = beside(tile, event.key);
    if (!next) return;
    event.preventDefault();
    next.querySelector("a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  });
}
