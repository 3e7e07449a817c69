"""Opens a report as a reader does, from a file and without a network, and does with it what a reader does.

    python3 ci/browser/check.py BROWSER report.html FOLDER

Each claim is a function whose name says it; what it raises is the failure. Pictures of the page go to FOLDER.
"""

import base64
import json
import math
import re
import sys
import traceback
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from devtools import Page  # noqa: E402

READY = "document.documentElement.dataset.ready !== undefined"
MOST_BYTES, MOST_SECONDS = 1_000_000, 2.0


class Skipped(Exception):
    """The page has nothing of the kind."""


def need(condition, words):
    if not condition:
        raise AssertionError(words)


class Report:
    """The page under test and, read without a browser, what it holds."""

    def __init__(self, page, path):
        self.page, self.url, self.text = page, path.as_uri(), path.read_text()
        island = re.search(r'<script type="application/json" id="summary">(.*?)</script>', self.text, re.S)
        self.data = json.loads(island.group(1))

    def open(self, state="", **size):
        """Opens it and waits until its script is done; gives back the seconds that this took."""
        seconds = self.page.open(self.url + state, **size)
        self.wait(READY)
        return seconds

    def wait(self, condition):
        for _ in range(200):
            if self.page.run(condition):
                return
            self.page.run("new Promise((done) => setTimeout(done, 25))")
        raise AssertionError(f"it never came to {condition}")

    def count(self, selector):
        return self.page.run(f"document.querySelectorAll({json.dumps(selector)}).length")

    def texts(self, selector):
        return self.page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.innerText)")

    def must_have(self, selector):
        if not self.count(selector):
            raise Skipped(f"there is no {selector} on this page")


def buckets(text):
    """Lists of (value, count), as `reports/src/packed.rs` packs them."""
    data, at = zlib.decompress(base64.b64decode(text)), 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte, at = data[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    lists = []
    for _ in range(number()):
        value, found = 0, []
        for _ in range(number()):
            value += number()
            found.append((value, number()))
        lists.append(found)
    return lists


def percentile(counts, never, parts):
    """The smallest value that so many millionths of all samples do not exceed, in microseconds."""
    rank = max(1, math.ceil((sum(counts.values()) + never) * parts / 1_000_000))
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return math.inf


def micros(text):
    """A latency as the page writes it, in microseconds."""
    if text == "never":
        return math.inf
    number, unit = text.split(" ")
    return float(number) * {"µs": 1, "ms": 1e3, "s": 1e6, "min": 6e7, "h": 36e8}[unit]


def it_asks_for_nothing_and_says_nothing(report):
    report.open()
    foreign = [url for url in report.page.requests if url != report.url and not url.startswith("data:")]
    need(not foreign, f"it asks for {foreign}")
    need(not report.page.complaints, f"the console has {report.page.complaints}")
    need(report.count("svg.chart") > 0, "there is no chart on it")


def it_is_small_and_soon_there(report):
    need(len(report.text.encode()) <= MOST_BYTES, f"{len(report.text.encode())} bytes")
    seconds = report.open()
    need(seconds <= MOST_SECONDS, f"{seconds:.2f} s until it had loaded")


def failed_only_hides_what_held(report):
    report.open()
    report.must_have("#failed-only")
    visible = "[...document.querySelectorAll('#gate-table tbody tr')].filter((row) => row.offsetParent)"
    before = report.page.run(f"{visible}.length")
    report.page.click("#failed-only")
    left = report.page.run(f"{visible}.map((row) => row.dataset.answer)")
    need(all(answer == "fail" for answer in left) and len(left) <= before, f"{left} are left of {before}")
    need("failed=1" in report.page.run("location.hash"), "the address does not say so")
    report.page.click("#failed-only")
    need(report.page.run(f"{visible}.length") == before, "they do not come back")


def a_legend_hides_and_shows_its_line(report):
    report.open()
    report.must_have("#time .legend button")
    button = "#time figure:has(.legend) .legend button"
    series = report.page.run(f"document.querySelector({json.dumps(button)}).dataset.series")
    shown = f"""getComputedStyle(document.querySelector("#time figure:has(.legend) .chart .{series}")).display"""
    need(report.page.run(shown) != "none", "the line is hidden from the start")
    report.page.click(button)
    need(report.page.run(shown) == "none", "the line is still there")
    report.page.click(button)
    need(report.page.run(shown) != "none", "the line does not come back")


def dragging_counts_percentiles_anew(report):
    report.open()
    run = report.data.get("shown")
    if not run or not run.get("latencies"):
        raise Skipped("no run is shown")
    whole = report.texts("#zoomed-table td")
    box = report.page.place("#time svg[data-time]")
    left, right = [int(part) for part in report.page.run(
        "document.querySelector('#time svg[data-time]').dataset.plot").split()[:2]]
    wide = report.page.run("document.querySelector('#time svg[data-time]').viewBox.baseVal.width")
    x = lambda share: box[0] + (left + share * (right - left)) / wide * box[2]
    middle = box[1] + box[3] * 0.6
    report.page.drag([x(0.3), middle], [x(0.5), middle])
    told = report.texts("#zoomed-table td")
    need(told != whole, f"nothing changed: {told}")
    stretch = re.search(r"t=([\d.]+)-([\d.]+)", report.page.run("location.hash"))
    need(stretch, "the address does not say which stretch")
    held(report, told, *[float(part) for part in stretch.groups()])
    report.page.click("#whole")
    need(report.texts("#zoomed-table td") == whole, "the whole run does not come back")
    held(report, whole, 0.0, math.inf)
    need(report.count("svg.plot") == 0, "the charts are still cut")


def held(report, told, start, end):
    """Figures of a stretch against those counted here, from the same slots."""
    run = report.data["shown"]
    width, counts, never = run["slot_width"] / 1e6, {}, 0
    for slot, found in zip(run["slots"], buckets(run["latencies"])):
        if slot["start"] / 1e6 < end and slot["start"] / 1e6 + width > start:
            never += slot["never"]
            for value, count in found:
                counts[value] = counts.get(value, 0) + count
    for text, parts in zip(told, [500_000, 900_000, 990_000, 999_000, 1_000_000]):
        wanted = percentile(counts, never, parts)
        near = wanted == micros(text) or abs(micros(text) - wanted) <= wanted * 0.006
        need(near, f"{parts}: the page says {text}, the slots {wanted} us")
    need(told[6].replace(",", "") == f"{sum(counts.values())} / {sum(counts.values()) + never}", told[6])


def the_slider_reads_every_distribution(report):
    report.open()
    report.must_have("#percentile")
    report.page.run("""(() => { const slider = document.querySelector("#percentile");
        slider.value = "3"; slider.dispatchEvent(new Event("input")); })()""")
    need(report.texts("#percentile-name") == ["p99.9"], report.texts("#percentile-name"))
    rows = report.page.run("""[...document.querySelectorAll("#any-table tbody tr")].map((row) =>
        [...row.children].map((cell) => cell.innerText))""")
    table = report.page.run("""[...document.querySelectorAll("#numbers-table tbody tr")].map((row) =>
        [...row.children].map((cell) => cell.innerText))""")
    known = {(row[0], row[1]): row[5] for row in table}
    need(rows, "there are no distributions")
    for series, phase, value in rows:
        need(known[series, phase] == value, f"{series} {phase}: {value}, the table has {known[series, phase]}")


def a_chosen_moment_shows_in_every_view(report):
    report.open()
    report.must_have("#story")
    moments = report.data["shown"]["story"]["moments"]
    at = next(at for at, moment in enumerate(moments) if moment.get("followed"))
    report.page.click(f"#moments-table tr[data-m='{at}'] td")
    need(report.count("#moments-table tr.on") == 1, "the list does not show it")
    need(report.count("svg .m.on") == 1, "the diagram does not show it")
    need(report.count("#life-table tr.on") == 1, "the life of the event does not show it")
    need(report.texts("#chosen")[0].startswith(f"{at} at "), report.texts("#chosen"))
    need(f"m={at}" in report.page.run("location.hash"), "the address does not say which")
    dot = report.page.run(f"""[...document.querySelectorAll("svg .m")].findIndex((dot) =>
        dot.classList.contains("on"))""")
    need(dot == at, f"dot {dot} is marked for moment {at}")
    # From the log to the list.
    if report.count("#order-table td[data-m]:not([data-m=''])"):
        report.page.click("#order-table td[data-m]:not([data-m=''])")
        need(report.count("#moments-table tr.on") == 1, "the log leads nowhere")
        need(report.count("#order-table td.on") >= 1, "the log does not show it")
    # From the diagram to the list: the dot that lies on top there.
    report.page.place("#story svg.chart")
    found = report.page.run("""(() => { const dots = [...document.querySelectorAll("#story svg .m")];
        for (const [at, dot] of dots.entries()) { const box = dot.getBoundingClientRect();
          const x = box.x + box.width / 2, y = box.y + box.height / 2;
          if (document.elementFromPoint(x, y) === dot) return [at, x, y]; } })()""")
    report.page.mouse("mousePressed", found[1:], button="left", clickCount=1)
    report.page.mouse("mouseReleased", found[1:], button="left", clickCount=1)
    need(report.page.run("document.querySelector('#moments-table tr.on').dataset.m") == str(found[0]),
         "the diagram leads to another moment")
    report.page.key("Escape", 27)
    need(report.count("#story .on") == 0, "it is not let go")


def keys_go_from_moment_to_moment(report):
    report.open()
    report.must_have("#story")
    chosen = "(document.querySelector('#moments-table tr.on') || {dataset: {}}).dataset.m"
    report.page.key("j", 74)
    report.page.key("j", 74)
    need(report.page.run(chosen) == "1", "two steps down lead not to the second")
    report.page.key("k", 75)
    need(report.page.run(chosen) == "0", "a step up does not lead back")
    moments = report.data["shown"]["story"]["moments"]
    at = next((at for at, moment in enumerate(moments) if "cause" in moment), None)
    if at is not None:
        report.open(f"#m={at}")
        report.page.key("p", 80)
        need(report.page.run(chosen) == str(moments[at]["cause"]), "p does not lead to what it follows from")


def the_list_is_filtered_and_says_how_many_match(report):
    report.open()
    report.must_have("#story")
    moments = report.data["shown"]["story"]["moments"]
    kind = moments[0]["kind"]
    report.page.click(f"button[data-kind='{kind}']")
    left = report.count("#moments-table tbody tr:not([hidden])")
    need(left == sum(moment["kind"] != kind for moment in moments), f"{left} rows without {kind}")
    need(f"{left:,} of these match" in report.texts("#matching")[0], report.texts("#matching"))


def a_deep_link_restores_the_state(report):
    report.open()
    report.must_have("#story")
    at = len(report.data["shown"]["story"]["moments"]) // 2
    state = f"#failed=1&p=3&t=1-3&m={at}&event=1"
    report.open(state)
    need(report.page.run("document.querySelector('#failed-only').getAttribute('aria-pressed')") == "true", "filter")
    need(report.texts("#percentile-name") == ["p99.9"], "slider")
    need(report.page.run("document.querySelector('#zoom-from').value") == "1", "stretch")
    need(report.page.run("document.querySelector('#moments-table tr.on').dataset.m") == str(at), "moment")
    need(report.page.run("document.querySelector('#followed-only').getAttribute('aria-pressed')") == "true", "list")
    told = report.page.run("location.hash")
    report.open(told)
    need(report.page.run("location.hash") == told, f"{told} became {report.page.run('location.hash')}")


def a_table_is_copied_as_csv_and_markdown(report):
    report.open()
    report.must_have("#numbers-table")
    rows = report.count("#numbers-table tr")
    text = report.page.run("csv(document.querySelector('#numbers-table'))")
    need(text.count("\n") == rows and text.startswith("Series,Phase,p50"), text[:80])
    text = report.page.run("markdown(document.querySelector('#numbers-table'))")
    need(text.count("\n") == rows + 1 and "| --- |" in text, text[:80])


def it_reads_well_with_script_off(report):
    report.page.scripts(False)
    try:
        report.page.open(report.url)
        hidden = report.page.run("""[...document.querySelectorAll(".needs-js")]
            .filter((one) => getComputedStyle(one).display !== "none").length""")
        need(hidden == 0, f"{hidden} things are shown that do nothing")
        need(report.count("svg.chart") > 0 and report.count("#gate-table tbody tr") > 0, "charts or gate are missing")
        need(not report.page.complaints, f"the console has {report.page.complaints}")
    finally:
        report.page.scripts(True)


def nothing_is_cut_off_at_the_side(report):
    for wide in [1280, 800, 390]:
        report.open(wide=wide)
        over = report.page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        need(over <= 0, f"the page is {over} px wider than a window of {wide}")
    report.page.media("print")
    report.open(wide=800)
    over = report.page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    report.page.media()
    need(over <= 0, f"printed, the page is {over} px wider than its paper")


def pictures(report, folder):
    """What a person should look at."""
    taken = []

    def take(name, whole=True):
        taken.append(str(folder / f"{name}.png"))
        report.page.picture(taken[-1], whole)

    for scheme in ["light", "dark"]:
        report.page.media(scheme=scheme)
        report.open()
        take(scheme)
    report.page.media()
    report.open(wide=390)
    take("narrow")
    if report.count("#story"):
        moments = report.data["shown"]["story"]["moments"]
        last = max((at for at, moment in enumerate(moments) if moment.get("followed")), default=0)
        end = moments[-1]["at"] / 1e9
        report.open(f"#m={last}&t={max(0, moments[last]['at'] / 1e9 - 2):.3f}-{end:.3f}")
        report.page.place("#chosen")
        take("chosen", whole=False)
        report.page.place("#time svg[data-time]")
        take("stretch", whole=False)
    report.page.media("print")
    report.open(wide=800)
    take("print")
    report.page.media()
    return taken


CLAIMS = [
    it_asks_for_nothing_and_says_nothing, it_is_small_and_soon_there, failed_only_hides_what_held,
    a_legend_hides_and_shows_its_line, dragging_counts_percentiles_anew, the_slider_reads_every_distribution,
    a_chosen_moment_shows_in_every_view, keys_go_from_moment_to_moment,
    the_list_is_filtered_and_says_how_many_match, a_deep_link_restores_the_state,
    a_table_is_copied_as_csv_and_markdown, it_reads_well_with_script_off, nothing_is_cut_off_at_the_side,
]


def main(browser, path, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page = Page(browser)
    failed, skipped = 0, 0
    try:
        report = Report(page, Path(path).resolve())
        for claim in CLAIMS:
            name = claim.__name__.replace("_", " ")
            try:
                claim(report)
                need(not page.complaints, f"the console has {page.complaints}")
                print(f"ok      {name}")
            except Skipped as why:
                skipped += 1
                print(f"skipped {name}: {why}")
            except Exception as why:
                failed += 1
                print(f"FAILED  {name}: {why}")
                if not isinstance(why, AssertionError):
                    traceback.print_exc()
        print("pictures in " + " ".join(pictures(report, folder)))
    finally:
        page.close()
    print(f"{path}: {len(report.text.encode())} bytes, {len(CLAIMS) - failed - skipped} claims hold, "
          f"{failed} do not, {skipped} had nothing to judge")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
