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
