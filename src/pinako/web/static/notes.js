// Short notes at the foot of the page, read out by screen readers, with at most one thing to do.

export function note(text, action) {
  const place = document.getElementById("notes");
  if (!place) return;
  const line = document.createElement("div");
  line.className = "note";
  line.append(text);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.label;
    button.addEventListener("click", () => {
      line.remove();
      action.run();
    });
    line.append(button);
  }
  // A dialog lies above the page, so its notes must lie in it.
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(place);
  place.append(line);
  setTimeout(() => line.remove(), action ? 8000 : 3000);
}
