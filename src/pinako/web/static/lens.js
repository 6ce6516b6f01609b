// Zooming and moving one picture: wheel, double click, two fingers, drag; and the swipes that mean something else.

const MOST = 12;
const SWIPE_PX = 60;

export class Lens {
  constructor(field, { swipe, dismiss, zoomed }) {
    this.field = field;
    this.swipe = swipe;
    this.dismiss = dismiss;
    this.zoomed = zoomed;
    this.fingers = new Map();
    this.reset();
    field.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    field.addEventListener("dblclick", (event) => this.#toggle(event));
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      field.addEventListener(name, (event) => this[`_${name}`](event));
    }
  }

  // Takes up a new picture; `zooms`: whether it is one that can be enlarged.
  hold(element, zooms) {
    this.element = element;
    this.zooms = zooms;
    this.reset();
  }

  reset() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.#apply();
  }

  by(factor, clientX, clientY) {
    if (!this.zooms || !this.element) return;
    const box = this.field.getBoundingClientRect();
    const px = (clientX ?? box.left + box.width / 2) - box.left - box.width / 2;
    const py = (clientY ?? box.top + box.height / 2) - box.top - box.height / 2;
    const scale = Math.min(Math.max(this.scale * factor, 1), MOST);
    const share = scale / this.scale;
    this.x = px - (px - this.x) * share;
    this.y = py - (py - this.y) * share;
    this.scale = scale;
    if (scale === 1) this.x = this.y = 0;
    if (scale > 1.3) this.zoomed();
    this.#apply();
  }

  #apply() {
    if (!this.element) return;
    const wide = (this.element.clientWidth * this.scale - this.field.clientWidth) / 2;
    const high = (this.element.clientHeight * this.scale - this.field.clientHeight) / 2;
    this.x = wide > 0 ? Math.min(Math.max(this.x, -wide), wide) : 0;
    this.y = high > 0 ? Math.min(Math.max(this.y, -high), high) : 0;
    this.element.style.transform = this.scale === 1 ? "" : `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }

  #wheel(event) {
    if (!this.zooms) return;
    event.preventDefault();
    this.by(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018)), event.clientX, event.clientY);
  }

  #toggle(event) {
    if (event.target.closest("button")) return;
    if (this.scale > 1) this.reset();
    else this.by(2.5, event.clientX, event.clientY);
  }

  _pointerdown(event) {
    if (event.target.closest("button, video, audio") || event.button) return;
    this.field.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.began = { x: event.clientX, y: event.clientY, fingers: this.fingers.size, scale: this.scale };
  }

  _pointermove(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    const at = [event.clientX, event.clientY];
    if (others.length) {
      const other = others[0];
      const share = Math.hypot(at[0] - other[0], at[1] - other[1]) / Math.max(Math.hypot(before[0] - other[0], before[1] - other[1]), 1);
      this.by(share, (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
      this.began.fingers = 2;
    } else if (this.scale > 1) {
      this.x += at[0] - before[0];
      this.y += at[1] - before[1];
      this.#apply();
    }
    this.fingers.set(event.pointerId, at);
  }

  _pointerup(event) {
    if (!this.fingers.delete(event.pointerId) || this.fingers.size) return;
    const { x, y, fingers, scale } = this.began;
    const [dx, dy] = [event.clientX - x, event.clientY - y];
    if (fingers > 1 || scale > 1 || event.pointerType === "mouse") return;
    if (Math.abs(dx) > SWIPE_PX && Math.abs(dx) > Math.abs(dy) * 1.5) this.swipe(dx < 0 ? 1 : -1);
    else if (dy > SWIPE_PX * 1.5 && dy > Math.abs(dx) * 1.5) this.dismiss();
  }

  _pointercancel(event) {
    this.fingers.delete(event.pointerId);
  }
}
