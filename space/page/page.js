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

document.addEventListener("keydown", (event) => {
  const handle = event.target.closest?.("#slider [role=slider]");
  const step = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, Home: -1, End: 1 }[event.key];
  if (!handle || !step) return;
  event.preventDefault();
  const { left, width } = handle.parentElement.getBoundingClientRect();
  // Where the positive is cut off says where the line is; the handle itself still glides there.
  const cut = [...document.querySelectorAll("#slider img")].map((image) => image.style.clipPath).find(Boolean);
  const at = parseFloat(cut?.split(" ").pop() ?? 50) / 100;
  const to = Math.min(Math.max(at + step, 0), 1);
  // A press at a place moves the line there.
  const pointer = { view: window, bubbles: true, cancelable: true, clientX: left + to * width };
  handle.dispatchEvent(new MouseEvent("mousedown", pointer));
  window.dispatchEvent(new MouseEvent("mouseup", pointer));
  handle.setAttribute("aria-valuenow", Math.round(100 * to));
});
