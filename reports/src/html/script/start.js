"use strict";
// The page is complete without this script. It adds what only a program can do: percentiles of a stretch of time,
// one selection in all views, and a state in the address that can be shared.
document.documentElement.classList.add("js");
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const data = JSON.parse(one("#summary").textContent);

// The state of the page, as it stands behind the # of its address; a plain name there is a section.
const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
const restorers = [];
function remember(key, value) {
  if (value) { state.set(key, value); } else { state.delete(key); }
  const text = state.toString();
  history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
}
// Calls `restore` with the value of `key` once everything is ready, and when the address is changed.
function restoring(key, restore) { restorers.push(() => restore(state.get(key) || "")); }
addEventListener("hashchange", () => {
  if (!location.hash.includes("=")) { return; }
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const key of [...state.keys()]) { state.delete(key); }
  for (const [key, value] of wanted) { state.set(key, value); }
  for (const restore of restorers) { restore(); }
});
function press(button, pressed) { button.setAttribute("aria-pressed", String(pressed)); }
const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

// Quantities as the rest of the page writes them.
function threeDigits(value, unit) {
  const whole = Math.floor(value / unit);
  const scale = whole < 10 ? 100 : whole < 100 ? 10 : 1;
  return String(Math.floor((value * scale + unit / 2) / unit) / scale);
}
function duration(micros) {
  if (micros === Infinity) { return "never"; }
  if (micros < 1e3) { return micros + " µs"; }
  const units = [[1e6, 1e3, "ms"], [12e7, 1e6, "s"], [72e8, 6e7, "min"], [Infinity, 36e8, "h"]];
  const [, unit, name] = units.find((row) => micros < row[0]);
  return threeDigits(micros, unit) + " " + name;
}
const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
