// A picture pasted anywhere goes the way of a dropped file: the server decodes it and answers in its own words.
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])][0];
  const input = document.querySelector("#frame-file input[type=file]");
  if (!file || !input) return;
  event.preventDefault();
  const carrier = new DataTransfer();
  carrier.items.add(file);
  input.files = carrier.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// The line between negative and positive moves with the keyboard too: Gradio's handle by itself knows only the pointer.
new MutationObserver(() => {
  const handle = document.querySelector("#slider [data-testid=slider]:not([tabindex])");
  if (!handle) return;
  const attributes = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 50 };
  for (const [name, value] of Object.entries(attributes)) handle.setAttribute(name, value);
  handle.setAttribute("aria-label", "Share of the width, in per cent, that shows the negative");
}).observe(document.documentElement, { childList: true, subtree: true });

// The address that each picture has loaded. Its `complete` will not do: it is true a moment before Gradio hears of it.
const loaded = new WeakMap();
document.addEventListener("load", ({ target }) => loaded.set(target, target.src), true);

function moveLine(handle, step) {
  const images = [...document.querySelectorAll("#slider img")];
  // Until both are there Gradio does not know where the pictures lie, and would put the line anywhere: wait for them.
  const coming = images.find((image) => loaded.get(image) !== image.src);
  if (coming) return coming.addEventListener("load", () => moveLine(handle, step), { once: true });
  const table = handle.parentElement.getBoundingClientRect();
  const { naturalWidth, naturalHeight } = images[0];
  const width = Math.min(table.width, (table.height * naturalWidth) / naturalHeight);
  const margin = (table.width - width) / 2; // beside an upright picture
  const at = (parseFloat(handle.style.transform.slice("translateX(".length)) - margin) / width;
  const to = Math.min(Math.max(at + step, 0), 1);
  // A press at a place moves the line there; a browser drops what is behind the point.
  const clientX = Math.round(table.left + margin + to * width);
  const pointer = { view: window, bubbles: true, cancelable: true, clientX };
  handle.dispatchEvent(new MouseEvent("mousedown", pointer));
  window.dispatchEvent(new MouseEvent("mouseup", pointer));
  handle.setAttribute("aria-valuenow", Math.round(100 * to));
}

document.addEventListener("keydown", (event) => {
  const handle = event.target.closest?.("#slider [role=slider]");
  const step = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, Home: -1, End: 1 }[event.key];
  if (!handle || !step) return;
  event.preventDefault();
  moveLine(handle, step);
});

// The corners of an outline are dragged by mouse or finger, or moved with the arrow keys; once let go, the frame is
// judged again. An outline stays convex: a corner that would fold it does not move.
const KEY_STEP = 0.005; // of the picture
const movedCorners = new WeakSet();

function cornersOf(laid) {
  return [...laid.querySelectorAll(".corner")].map(({ style }) => [parseFloat(style.left), parseFloat(style.top)]);
}

function isConvex(corners) {
  return corners.every(([x, y], i) => {
    const [a, b] = corners[(i + 1) % 4];
    const [c, d] = corners[(i + 2) % 4];
    return (a - x) * (d - b) - (b - y) * (c - a) > 0.01; // y is down: clockwise is positive
  });
}

function moveCorner(corner, x, y) {
  const laid = corner.parentElement;
  const corners = cornersOf(laid);
  corners[corner.dataset.corner] = [x, y].map((share) => 100 * Math.min(Math.max(share, 0), 1));
  if (!isConvex(corners)) return;
  [corner.style.left, corner.style.top] = corners[corner.dataset.corner].map((at) => `${at}%`);
  laid.querySelector(`polygon[data-frame="${corner.dataset.outline}"]`).setAttribute("points", corners.join(" "));
  movedCorners.add(corner);
}

function letGo(corner) {
  if (!movedCorners.delete(corner)) return;
  const corners = cornersOf(corner.parentElement).map(([x, y]) => [x / 100, y / 100]);
  const detail = { frame: Number(corner.dataset.outline), corners };
  corner.dispatchEvent(new CustomEvent("outline", { detail, bubbles: true }));
}

document.addEventListener("pointerdown", (event) => {
  const corner = event.target.closest?.(".corner");
  if (corner && event.isPrimary) corner.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", ({ target, pointerId, clientX, clientY }) => {
  if (!target.matches?.(".corner") || !target.hasPointerCapture(pointerId)) return;
  const { left, top, width, height } = target.parentElement.getBoundingClientRect();
  moveCorner(target, (clientX - left) / width, (clientY - top) / height);
});
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, ({ target }) => target.matches?.(".corner") && letGo(target));
}
document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  const corner = event.target.closest?.(".corner");
  if (!corner || !step) return;
  event.preventDefault();
  const [x, y] = [corner.style.left, corner.style.top].map((at, i) => parseFloat(at) / 100 + KEY_STEP * step[i]);
  moveCorner(corner, x, y);
});
document.addEventListener("keyup", ({ target, key }) => {
  if (key.startsWith("Arrow") && target.matches?.(".corner")) letGo(target);
});

// What is drawn anew after a corner was moved has lost the focus: the same corner gets it back.
let lastCorner = "";
document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.(".corner")) lastCorner = target.getAttribute("aria-label");
  else if (target !== document.body) lastCorner = "";
});
new MutationObserver(() => {
  if (!lastCorner || document.activeElement !== document.body) return;
  document.querySelector(`.corner[aria-label="${lastCorner}"]`)?.focus({ preventScroll: true });
}).observe(document.documentElement, { childList: true, subtree: true });
