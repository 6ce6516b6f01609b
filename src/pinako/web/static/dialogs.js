// Small dialogs: a title, what is in them, and buttons. They give what was chosen, or nothing.

import { words } from "./words.js";

export function element(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Opens a dialog over a form made of `fields`; a promise of the form's data, or of null where it was left.
export function askFor(title, fields, confirm) {
  return new Promise((resolve) => {
    const heading = element("h2", { id: "dialog-title", textContent: title });
    const actions = element(
      "div",
      { className: "row" },
      element("button", { type: "submit", className: "button", textContent: confirm }),
      element("button", { type: "button", className: "button quiet-button", textContent: words.close }),
    );
    const form = element("form", { method: "dialog", className: "stack" }, heading, ...fields, actions);
    const dialog = element("dialog", { className: "ask", "aria-labelledby": "dialog-title" }, form);
    let given = null;
    actions.lastChild.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", () => (given = new FormData(form)));
    dialog.addEventListener("close", () => {
      document.body.append(document.getElementById("notes"));
      dialog.remove();
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
