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
