// Tables: what failed alone, and copies as other programs take them.
function copy(text, button) {
  const name = button.textContent;
  const told = (word) => {
    button.textContent = word;
    setTimeout(() => { button.textContent = name; }, 1500);
  };
  const byHand = () => {
    // Pages opened from a file may have no clipboard of their own.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    told(document.execCommand("copy") ? "Copied" : "Not copied");
    field.remove();
  };
  if (!navigator.clipboard) { byHand(); return; }
  navigator.clipboard.writeText(text).then(() => told("Copied"), byHand);
}
for (const button of all("button[data-copy]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy).textContent, button));
}
const rowsOf = (table) => all("tr", table).filter((row) => row.offsetParent)
  .map((row) => all("th,td", row).map((cell) => cell.innerText.replace(/\s+/g, " ").trim()));
function csv(table) {
  const field = (text) => /[",]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  return rowsOf(table).map((row) => row.map(field).join(",") + "\n").join("");
}
function markdown(table) {
  const line = (cells) => "| " + cells.map((text) => text.replaceAll("|", "\\|")).join(" | ") + " |\n";
  const [head, ...rows] = rowsOf(table);
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}
for (const scroll of all(".scroll:not(.inner)")) {
  const bar = document.createElement("p");
  bar.className = "copies";
  for (const [name, write] of [["CSV", csv], ["Markdown", markdown]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy as " + name;
    button.addEventListener("click", () => copy(write(one("table", scroll)), button));
    bar.append(button);
  }
  scroll.after(bar);
}
const failedOnly = one("#failed-only");
function showFailed(only) {
  press(failedOnly, only);
  one("#gate-table").classList.toggle("only-failed", only);
  remember("failed", only ? "1" : "");
}
if (failedOnly) {
  failedOnly.addEventListener("click", () => showFailed(!isPressed(failedOnly)));
  restoring("failed", (value) => showFailed(value === "1"));
}
