#!/usr/bin/env bash
# Opens a report as a reader does, from a file and without a network, and keeps a picture of it.
#
#   bash ci/browser.sh out/report.html [picture.png]
#
# Ends with 1 if the page writes anything to the console (it has nothing to say there) or does not draw,
# and with 4 if there is no Chromium to ask.
set -euo pipefail

page=${1:?usage: bash ci/browser.sh report.html [picture.png]}
picture=${2:-${page%.html}.png}
browser=""
for name in chromium chromium-browser google-chrome chrome; do
    if command -v "$name" >/dev/null; then browser=$name; break; fi
done
if [ -z "$browser" ]; then
    echo "no Chromium on the PATH: nothing was checked" >&2
    exit 4
fi
if [ ! -f "$page" ]; then
    echo "there is no $page; \`cargo run --release -- run scenarios/domains/retail.toml\` writes one" >&2
    exit 2
fi

place=$(cd "$(dirname "$page")" && pwd)/$(basename "$page")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
options=(--headless --disable-gpu --no-first-run --hide-scrollbars --window-size=1280,2400
    --user-data-dir="$scratch/profile" --host-resolver-rules='MAP * ~NOTFOUND'
    --enable-logging=stderr --virtual-time-budget=4000)
# As root, in a container, Chromium refuses to start with its sandbox.
if [ "$(id -u)" -eq 0 ]; then options+=(--no-sandbox); fi

rm -f "$picture"
"$browser" "${options[@]}" --screenshot="$picture" "file://$place" >"$scratch/out" 2>"$scratch/log"
"$browser" "${options[@]}" --dump-dom "file://$place" >"$scratch/dom" 2>>"$scratch/log"

if grep -E 'CONSOLE' "$scratch/log"; then
    echo "$page: the page wrote to the console" >&2
    exit 1
fi
if [ ! -s "$picture" ]; then
    echo "$page: no picture was drawn" >&2
    exit 1
fi
charts=$(grep -o '<svg' "$scratch/dom" | wc -l)
if [ "$charts" -eq 0 ]; then
    echo "$page: there is no chart on it" >&2
    exit 1
fi
echo "$page: $(wc -c <"$page") bytes, $charts charts, nothing on the console; picture in $picture"
