#!/usr/bin/env bash
# Opens a report as a reader does, from a file and without a network, does with it what a reader does, and keeps
# pictures of it: light, dark, narrow, printed, and with a moment chosen.
#
#   bash ci/browser.sh out/report.html [folder-of-pictures]
#
# What is claimed of the page stands in ci/browser/check.py. Ends with 1 if a claim does not hold (the page asks for
# something, writes to its console, shows another figure than it holds, ...), and with 4 if there is no Chromium or
# no Python to ask.
set -euo pipefail

page=${1:?usage: bash ci/browser.sh report.html [folder-of-pictures]}
folder=${2:-$(dirname "$page")/pictures}
browser=""
for name in chromium chromium-browser google-chrome chrome; do
    if command -v "$name" >/dev/null; then browser=$(command -v "$name"); break; fi
done
if [ -z "$browser" ]; then
    echo "no Chromium on the PATH: nothing was checked" >&2
    exit 4
fi
if ! command -v python3 >/dev/null; then
    echo "no python3 on the PATH, which drives the browser: nothing was checked" >&2
    exit 4
fi
if [ ! -f "$page" ]; then
    echo "there is no $page; \`cargo run --release -- run scenarios/domains/retail.toml\` writes one" >&2
    exit 2
fi
python3 "$(dirname "${BASH_SOURCE[0]}")/browser/check.py" "$browser" "$page" "$folder"
