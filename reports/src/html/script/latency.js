// Distributions: lists of (highest microsecond of a bucket, samples), deflated in the page.
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte % 128) * scale;
      if (byte < 128) { return value; }
    }
  };
  const many = (read) => Array.from({ length: number() }, read);
  return many(() => {
    let value = 0;
    return many(() => [value += number(), number()]);
  });
}
function merged(lists) {
  const counts = new Map();
  for (const [value, count] of lists.flat()) { counts.set(value, (counts.get(value) || 0) + count); }
  return [...counts].sort((a, b) => a[0] - b[0]);
}
const samples = (list) => list.reduce((sum, bucket) => sum + bucket[1], 0);
// The smallest value that `parts` millionths of all samples do not exceed; what never ended exceeds all.
function percentile(list, never, parts) {
  const rank = Math.max(1, Math.ceil((samples(list) + never) * parts / 1e6));
  let seen = 0;
  const bucket = list.find((bucket) => (seen += bucket[1]) >= rank);
  return bucket ? bucket[0] : Infinity;
}
const slider = one("#percentile");
async function startSlider() {
  const lists = await unpack(data.buckets);
  const cells = all("[data-distribution]");
  const show = () => {
    const parts = Math.round(1e6 - 1e6 / 10 ** Number(slider.value));
    one("#percentile-name").textContent = "p" + parts / 1e4;
    slider.setAttribute("aria-valuetext", "p" + parts / 1e4);
    cells.forEach((cell, row) => {
      cell.textContent = duration(percentile(lists[row], data.distributions[row].never, parts));
    });
  };
  slider.addEventListener("input", () => { show(); remember("p", slider.value); });
  restoring("p", (value) => { slider.value = value || "2"; show(); });
}
