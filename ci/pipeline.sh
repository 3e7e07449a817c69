#!/usr/bin/env bash
# What a change must pass, on a developer's machine and in CI alike.
#
#   bash ci/pipeline.sh            every step, in order
#   bash ci/pipeline.sh fmt doc    only these
#
# Needs a Rust toolchain with rustfmt and clippy, and access to the crates of Cargo.lock; nothing else.
# Warnings are denied by the lints of Cargo.toml and, for documentation, below: an exported RUSTFLAGS
# would replace the `--cfg madsim` of .cargo/config.toml, so none is set here and a set one is dropped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

if [ -n "${RUSTFLAGS:-}" ]; then
    echo "RUSTFLAGS is set and would take --cfg madsim away: left out for this run" >&2
fi
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"

steps=(fmt clippy doc test determinism gate plain benches ratio)
storm=target/debug/stormglass

step_fmt() { cargo fmt --all --check; }

step_clippy() { cargo clippy -q --locked --workspace --all-targets; }

step_doc() { RUSTDOCFLAGS="--cfg madsim -D warnings" cargo doc -q --locked --workspace --no-deps; }

# The command that the README names. It holds the claims about brokers, checks and reports, and
# ci/tests/all/tidy.rs, which holds what no lint can.
step_test() { cargo test -q --locked; }

# Where the flag is lost (an exported RUSTFLAGS, an install from a registry) everything but hosted
# services must still build. A target folder of its own keeps the other build warm.
step_plain() { RUSTFLAGS="" cargo check -q --locked --target-dir target/plain; }

# The benches are run by people; here they only have to build.
step_benches() { cargo check -q --locked -p stormglass-bench --benches; }

# A pipeline's speed over that of a bare heap loop in the same process: red under 0.7 of bench/ratio.toml.
step_ratio() { cargo run -q --locked --release -p stormglass-bench --no-default-features --example ratio; }

# Each seed twice in one process, then the same seeds in another process, on one thread, in another folder,
# and inside madsim: the fingerprints and the bytes of the results have to be those of the first run.
step_determinism() {
    cargo build -q --locked
    local scenario folder
    for scenario in scenarios/delivery/orders-once.toml scenarios/domains/retail.toml; do
        folder=out/ci/determinism/$(basename "$scenario" .toml)
        seeds first "$scenario" --twice
        seeds second "$scenario" --jobs 1
        seeds hosted "$scenario" --driver hosted
        # Their first lines name the options, which differ.
        cmp <(finished "$folder/first") <(finished "$folder/second")
        cmp <(finished "$folder/first") <(finished "$folder/hosted")
        cmp "$folder/first/junit.xml" "$folder/second/junit.xml"
        seeds third "$scenario" --jobs 2
        for name in seeds.ndjson summary.json report.html; do cmp "$folder/second/$name" "$folder/third/$name"; done
        echo "   $scenario: $(finished "$folder/first" | wc -l) seeds are the same four times"
    done
}

# finished FOLDER: its list of seeds, behind the line that says of which sweep it is.
finished() { tail -n +2 "$1/seeds.ndjson"; }

# seeds FOLDER SCENARIO OPTIONS...: two dozen seeds; `ci/prove.sh determinism` has a thousand. What they show is the
# gate's business; here only a wrong call, a bug and another fingerprint count.
seeds() {
    local name=$1 scenario=$2 code=0
    shift 2
    "$storm" run "$scenario" --seeds 24 -q --out "$folder/$name" "$@" || code=$?
    case $code in 2 | 7 | 70) return "$code" ;; esac
}

# Few seeds, and always the same, so that the verdict on a change is the change's. Each case has to end with
# the exit code that its file states.
step_gate() {
    cargo build -q --locked
    "$storm" gate scenarios/delivery scenarios/domains scenarios/regression --seeds 20 --seed-base smoke -q \
        --out out/ci/gate
}

current=""
finish() {
    local code=$?
    if [ "$code" -ne 0 ] && [ -n "$current" ]; then
        echo "== $current: FAILED with exit $code after $((SECONDS - began)) s"
    fi
}
trap finish EXIT

for step in "${@:-${steps[@]}}"; do
    case " ${steps[*]} " in
        *" $step "*) ;;
        *) echo "no step $step; there are: ${steps[*]}" >&2; exit 2 ;;
    esac
    current=$step
    began=$SECONDS
    echo "== $step"
    "step_$step"
    echo "   $((SECONDS - began)) s"
done
current=""
echo "== all passed in $SECONDS s"
