// The failing run: one moment is chosen, and shows in every view with those that it follows from.
const story = run && run.story;
const dots = all("svg .m");
const strokes = all("svg .a");
const messages = story ? story.moments.map((moment, at) => [moment.cause, at]).filter(([cause, at]) => {
  const [from, to] = [story.moments[cause], story.moments[at]];
  return from && from.node !== undefined && to.node !== undefined && from.node !== to.node;
}) : [];
const rows = all("#moments-table tbody tr");
let chosen = null;
function reasons(at) {
  const chain = [];
  for (let cause = story.moments[at].cause; cause !== undefined; cause = story.moments[cause].cause) {
    chain.push(cause);
  }
  return chain;
}
function link(at) {
  const anchor = document.createElement("a");
  anchor.href = "#m" + at;
  anchor.textContent = at;
  anchor.dataset.go = at;
  return anchor;
}
function choose(at, isSilent) {
  for (const marked of all("#story .on, #story .why")) { marked.classList.remove("on", "why"); }
  chosen = Number.isInteger(at) && story.moments[at] ? at : null;
  if (!isSilent) { remember("m", chosen === null ? "" : String(chosen)); }
  const box = one("#chosen");
  if (chosen === null) { box.textContent = "No moment is chosen."; return; }
  const chain = reasons(chosen);
  const mark = (moment, name) => {
    if (dots[moment]) { dots[moment].classList.add(name); }
    for (const cell of all(`#story [data-m~="${moment}"]`)) { cell.classList.add(name); }
  };
  chain.forEach((moment) => mark(moment, "why"));
  mark(chosen, "on");
  messages.forEach(([cause, at], number) => {
    const [own, before] = [at === chosen || cause === chosen, chain.includes(at)];
    if (strokes[number] && (own || before)) { strokes[number].classList.add(own ? "on" : "why"); }
  });
  const moment = story.moments[chosen];
  const node = moment.node === undefined ? "the world" : story.nodes[moment.node];
  box.replaceChildren(`${chosen} at ${(moment.at / 1e9).toFixed(6)} s, ${node} ${rows[chosen].cells[4].textContent}. `);
  const effects = story.moments.flatMap((other, at) => other.cause === chosen ? [at] : []);
  for (const [words, list] of [["It follows from ", chain], ["From it follow ", effects]]) {
    if (list.length) { box.append(words, ...list.slice(0, 12).flatMap((at) => [link(at), " "])); }
  }
}
function go(at) {
  choose(at);
  if (chosen !== null && rows[chosen]) { reveal(rows[chosen]); }
}
// Inside its own box: the page itself stands still.
function reveal(row) {
  const box = row.closest(".scroll");
  box.scrollTop += row.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 2;
}
function filterMoments() {
  const words = one("#search").value.trim().toLowerCase();
  const hidden = all("button[data-kind]").filter((button) => !isPressed(button)).map((button) => button.dataset.kind);
  const eventOnly = isPressed(one("#followed-only"));
  let matching = 0;
  for (const row of rows) {
    const fits = !hidden.includes(row.dataset.kind) && (!eventOnly || row.classList.contains("followed"))
      && (!words || row.textContent.toLowerCase().includes(words));
    row.hidden = !fits;
    matching += fits ? 1 : 0;
  }
  one("#matching").textContent = matching < rows.length ? ` ${grouped(matching)} of these match.` : "";
  remember("q", words);
  remember("event", eventOnly ? "1" : "");
  remember("without", hidden.join(","));
}
function startStory() {
  one("#story").addEventListener("click", (event) => {
    const target = event.target.closest("[data-go],a[href^='#m'],[data-m],.m");
    if (!target) { return; }
    event.preventDefault();
    const named = target.dataset.go || (target.getAttribute("href") || "").slice(2) || target.dataset.m;
    const at = target.classList.contains("m") ? dots.indexOf(target) : Number((named || "").split(" ")[0]);
    if (target.dataset.m === "") { return; }
    if (rows.includes(target)) { choose(at); } else { go(at); }
  });
  one("#search").addEventListener("input", filterMoments);
  for (const button of all("button[data-kind],#followed-only")) {
    button.addEventListener("click", () => { press(button, !isPressed(button)); filterMoments(); });
  }
  const step = (by) => {
    let at = chosen === null ? (by > 0 ? -1 : rows.length) : chosen;
    do { at += by; } while (rows[at] && rows[at].hidden);
    if (rows[at]) { go(at); }
  };
  const keys = { j: () => step(1), k: () => step(-1), Escape: () => choose(null),
    p: () => { if (chosen !== null) { go(story.moments[chosen].cause ?? chosen); } } };
  addEventListener("keydown", (event) => {
    if (event.target.closest("input,textarea,select") || event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (keys[event.key]) { keys[event.key](); }
  });
  restoring("q", (value) => { one("#search").value = value; });
  restoring("event", (value) => press(one("#followed-only"), value === "1"));
  restoring("without", (value) => {
    for (const button of all("button[data-kind]")) { press(button, !value.split(",").includes(button.dataset.kind)); }
    filterMoments();
  });
  restoring("m", (value) => { if (value) { go(Number(value)); } else { choose(null); } });
}
// Browsers that cannot inflate lack percentiles of a stretch, and nothing else.
async function start() {
  const canUnpack = typeof DecompressionStream === "function";
  if (slider && canUnpack) { await startSlider(); }
  if (run && zoom.from) {
    if (run.latencies && canUnpack) { zoom.lists = await unpack(run.latencies); }
    startTime();
  }
  if (story && one("#story")) { startStory(); }
  for (const restore of restorers) { restore(); }
  document.documentElement.dataset.ready = "";
}
start();
