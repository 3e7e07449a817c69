"use strict";
// The page is complete without this script: it only copies commands and hides rows.
document.documentElement.classList.add("js");
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => {
    const source = document.getElementById(button.dataset.copy);
    const told = (word) => {
      button.textContent = word;
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    };
    const select = () => {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      told(document.execCommand("copy") ? "Copied" : "Selected");
    };
    // Pages opened from a file may have no clipboard API.
    if (!navigator.clipboard) { select(); return; }
    navigator.clipboard.writeText(source.textContent).then(() => told("Copied"), select);
  });
}
const filter = document.getElementById("failed-only");
if (filter) {
  filter.addEventListener("click", () => {
    const pressed = filter.getAttribute("aria-pressed") !== "true";
    filter.setAttribute("aria-pressed", String(pressed));
    document.getElementById("gate-table").classList.toggle("only-failed", pressed);
  });
}
