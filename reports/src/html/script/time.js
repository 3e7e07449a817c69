// Charts over virtual time share one cursor and one stretch; dragging over any of them chooses the stretch.
const charts = all("svg[data-time]").map((svg) => {
  const [left, right, top, bottom] = svg.dataset.plot.split(" ").map(Number);
  const [from, to] = svg.dataset.time.split(" ").map(Number);
  const clip = document.createElementNS(svg.namespaceURI, "svg");
  const cursor = document.createElementNS(svg.namespaceURI, "line");
  cursor.setAttribute("class", "cursor");
  // Above the plot stand the bars of faults, which are stretched and cut like the rest; below it the name of the axis.
  const inside = (element) => {
    const box = element.getBBox();
    return box.x + box.width > left - 1 && box.x < right + 1 && box.y < bottom + 18;
  };
  const marks = all("line,polyline,polygon,rect,circle,text", svg).filter(inside).map((element) => {
    const points = element.getAttribute("points");
    return { element, points: points && points.trim().split(/\s+/).map((pair) => pair.split(",").map(Number)),
      x: ["x", "x1", "x2", "cx", "width"].map((name) => [name, element.getAttribute(name)])
        .filter((pair) => pair[1] !== null).map(([name, value]) => [name, Number(value)]) };
  });
  clip.setAttribute("class", "plot");
  for (const [name, value] of [["x", left], ["y", 0], ["width", right - left], ["height", bottom + 24]]) {
    clip.setAttribute(name, value);
  }
  clip.setAttribute("viewBox", `${left} 0 ${right - left} ${bottom + 24}`);
  return { svg, clip, cursor, marks, left, right, top, bottom, from, to, shown: [from, to] };
});
// The clip stands in the chart only while a stretch is shown, so that nothing at the edges is cut otherwise.
function stretch(chart, from, to) {
  const { svg, clip, cursor, marks, left, right } = chart;
  chart.shown = [from, to];
  const whole = from <= chart.from && to >= chart.to;
  const scale = (chart.to - chart.from) / (to - from);
  const start = left + (from - chart.from) / (chart.to - chart.from) * (right - left);
  const move = (x) => whole ? x : (x - start) * scale + left;
  for (const { element, points, x } of marks) {
    if (points) { element.setAttribute("points", points.map((pair) => move(pair[0]) + "," + pair[1]).join(" ")); }
    for (const [name, value] of x) {
      element.setAttribute(name, name !== "width" ? move(value) : whole ? value : value * scale);
    }
    if (whole === (element.parentNode === clip)) { (whole ? svg : clip).append(element); }
  }
  if (!whole && !clip.parentNode) { svg.append(clip); }
  for (const old of all(".edge", svg)) { old.remove(); }
  if (whole) { clip.remove(); return; }
  for (const [x, anchor, second] of [[left, "start", from], [right, "end", to]]) {
    const text = document.createElementNS(svg.namespaceURI, "text");
    for (const [name, value] of [["x", x], ["y", chart.bottom + 32], ["text-anchor", anchor], ["class", "edge"]]) {
      text.setAttribute(name, value);
    }
    text.textContent = Number(second.toFixed(6)) + " s";
    svg.append(text);
  }
  cursor.remove();
}
const run = data.shown;
const zoom = { from: one("#zoom-from"), to: one("#zoom-to"), lists: null };
const runEnd = run ? Math.max(0, ...run.phases.map((span) => span.end)) / 1e6 : 0;
function tell(from, to) {
  if (!zoom.lists) { return; }
  const width = run.slot_width / 1e6;
  const slots = run.slots.map((slot, at) => [slot, zoom.lists[at] || []])
    .filter(([slot]) => slot.start / 1e6 < to && slot.start / 1e6 + width > from);
  const list = merged(slots.map((pair) => pair[1]));
  const never = slots.reduce((sum, [slot]) => sum + slot.never, 0);
  const count = samples(list);
  const at = (parts) => count + never ? duration(percentile(list, never, parts)) : "–";
  const cells = [at(5e5), at(9e5), at(9.9e5), at(9.99e5), at(1e6), grouped(never),
    grouped(count) + " / " + grouped(count + never)];
  all("#zoomed-table td").forEach((cell, column) => { cell.textContent = cells[column]; });
}
function show(from, to) {
  const isWhole = !(to > from) || (from <= 0 && to >= runEnd);
  for (const chart of charts) {
    // A stretch outside a chart's own leaves it whole.
    const fits = !isWhole && from < chart.to && to > chart.from;
    stretch(chart, fits ? from : chart.from, fits ? to : chart.to);
  }
  const [start, end] = isWhole ? [0, runEnd] : [from, to];
  if (zoom.from) { [zoom.from.value, zoom.to.value] = [start, end].map((second) => Number(second.toFixed(6))); }
  tell(start, end);
  remember("t", isWhole ? "" : zoom.from.value + "-" + zoom.to.value);
}
function startTime() {
  for (const chart of charts) {
    const second = (event) => {
      const box = chart.svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * chart.svg.viewBox.baseVal.width;
      const share = Math.min(1, Math.max(0, (x - chart.left) / (chart.right - chart.left)));
      return chart.shown[0] + share * (chart.shown[1] - chart.shown[0]);
    };
    let began = null;
    chart.svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.classList.contains("m")) { return; }
      began = second(event);
      chart.svg.setPointerCapture(event.pointerId);
    });
    chart.svg.addEventListener("pointermove", (event) => point(second(event), began));
    chart.svg.addEventListener("pointerleave", () => point(null, null));
    chart.svg.addEventListener("pointerup", (event) => {
      const [from, to] = [began, second(event)].sort((a, b) => a - b);
      const least = (chart.shown[1] - chart.shown[0]) / 200;
      if (began !== null && to - from > least) { show(from, to); }
      began = null;
      point(null, null);
    });
    chart.svg.addEventListener("dblclick", () => show(0, runEnd));
  }
  const typed = () => show(Number(zoom.from.value), Number(zoom.to.value));
  zoom.from.addEventListener("change", typed);
  zoom.to.addEventListener("change", typed);
  one("#whole").addEventListener("click", () => show(0, runEnd));
  for (const button of all("[data-zoom]")) {
    button.addEventListener("click", () => show(...button.dataset.zoom.split(" ").map(Number)));
  }
  const bands = one("#bands");
  bands.addEventListener("click", () => {
    press(bands, !isPressed(bands));
    document.body.classList.toggle("no-bands", !isPressed(bands));
  });
  restoring("t", (value) => show(...(value || "0-0").split("-").map(Number)));
}
// The cursor in every chart, and the stretch that is being chosen.
function point(second, began) {
  for (const chart of charts) {
    const { svg, cursor, left, right, top, bottom, shown } = chart;
    const inside = second !== null && second >= shown[0] && second <= shown[1];
    if (!inside) { cursor.remove(); continue; }
    const x = (at) => left + Math.min(1, Math.max(0, (at - shown[0]) / (shown[1] - shown[0]))) * (right - left);
    for (const [name, value] of [["x1", x(second)], ["x2", x(second)], ["y1", top], ["y2", bottom]]) {
      cursor.setAttribute(name, value);
    }
    // A wide and pale stroke is the stretch so far.
    const wide = began === null ? 0 : Math.abs(x(second) - x(began));
    cursor.setAttribute("stroke-width", Math.max(1, wide));
    cursor.setAttribute("stroke-opacity", wide > 1 ? 0.25 : 1);
    if (wide > 1) {
      for (const name of ["x1", "x2"]) { cursor.setAttribute(name, (x(second) + x(began)) / 2); }
    }
    if (cursor.parentNode !== svg) { svg.append(cursor); }
  }
}
for (const button of all(".legend button")) {
  button.addEventListener("click", () => {
    press(button, !isPressed(button));
    button.closest("figure").classList.toggle("hide-" + button.dataset.series, !isPressed(button));
  });
}
