#!/usr/bin/env bash
# Whether JUnit files have the structure that CI servers read, as ci/junit.xsd describes it.
#
#   bash ci/xsd.sh out/junit.xml...
#
# Ends with 1 if one has not, and with 4 if there is no xmllint to ask.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: bash ci/xsd.sh junit.xml..." >&2
    exit 2
fi
if ! command -v xmllint >/dev/null; then
    echo "no xmllint on the PATH (package libxml2-utils): nothing was checked" >&2
    exit 4
fi
schema=$(dirname "${BASH_SOURCE[0]}")/junit.xsd
code=0
for file in "$@"; do
    xmllint --nonet --noout --schema "$schema" "$file" || code=1
done
exit $code
