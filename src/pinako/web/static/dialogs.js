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

export function labelled(text, control) {
  return element("label", { className: "field" }, element("span", { textContent: text }), control);
}

export function choice(name, options, chosen) {
  const select = element("select", { name }, ...options.map(([value, text]) => element("option", { value, textContent: text })));
  if (chosen !== undefined && chosen !== null) select.value = chosen;
  return select;
}

// Opens a dialog over these things; `left` runs once it is closed, however that came.
export function open(title, things, left) {
  const heading = element("h2", { id: "dialog-title", textContent: title });
  const dialog = element("dialog", { className: "ask", "aria-labelledby": "dialog-title" }, heading, ...things);
  dialog.addEventListener("close", () => {
    // What was said in the dialog is still being said; a viewer below it goes on to hold the notes.
    const notes = document.getElementById("notes");
    dialog.remove();
    ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(notes);
    left?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function closing(dialog, text = words.close) {
  const button = element("button", { type: "button", className: "button quiet-button", textContent: text });
  button.addEventListener("click", () => dialog().close());
  return button;
}

// Opens a dialog over a form made of `fields`; a promise of the form's data, or of null where it was left.
export function askFor(title, fields, confirm, kind = "") {
  return new Promise((resolve) => {
    let given = null;
    let dialog = null;
    const actions = element(
      "div",
      { className: "row" },
      element("button", { type: "submit", className: `button ${kind}`, textContent: confirm }),
      closing(() => dialog),
    );
    const form = element("form", { method: "dialog", className: "stack" }, ...fields, actions);
    form.addEventListener("submit", () => (given = new FormData(form)));
    dialog = open(title, [form], () => resolve(given));
  });
}
