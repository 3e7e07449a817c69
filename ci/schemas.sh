#!/usr/bin/env bash
# Whether the files of a report keep to the schemas that others have published.
#
#   bash ci/schemas.sh out...            every results.sarif and codequality.json below these folders
#
# The schemas are not part of this project: name the folder that holds them in STORMGLASS_SCHEMAS.
#   sarif-schema-2.1.0.json     OASIS, the address in the `$schema` of every results.sarif
#   gitlab-codequality.json     optional; GitLab describes the format in words, held by reports/tests/all/hostile.rs
#
# Ends with 1 if a file does not keep to its schema, and with 4 if something is missing to tell.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: bash ci/schemas.sh FOLDER..." >&2
    exit 2
fi
schemas=${STORMGLASS_SCHEMAS:-out/schemas}
if ! python3 -c 'import jsonschema' 2>/dev/null; then
    echo "no python3 with the package jsonschema: nothing was checked" >&2
    exit 4
fi
if [ ! -f "$schemas/sarif-schema-2.1.0.json" ]; then
    echo "no $schemas/sarif-schema-2.1.0.json: put it there, or name its folder in STORMGLASS_SCHEMAS" >&2
    exit 4
fi
exec python3 - "$schemas" "$@" <<'PYTHON'
import json, pathlib, sys
import jsonschema

schemas = pathlib.Path(sys.argv[1])
kinds = {"results.sarif": "sarif-schema-2.1.0.json", "codequality.json": "gitlab-codequality.json"}
checked, wrong = 0, 0
for folder in sys.argv[2:]:
    for name, schema in kinds.items():
        if not (schemas / schema).is_file():
            continue
        rules = json.loads((schemas / schema).read_text())
        validator = jsonschema.validators.validator_for(rules)(rules)
        for path in sorted(pathlib.Path(folder).rglob(name)):
            checked += 1
            for error in validator.iter_errors(json.loads(path.read_text())):
                wrong += 1
                print(f"{path}: {error.json_path}: {error.message}")
print(f"{checked} files, {wrong} mistakes")
sys.exit(4 if checked == 0 else 1 if wrong else 0)
PYTHON
