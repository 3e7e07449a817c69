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

steps=(fmt clippy doc test plain benches)

step_fmt() { cargo fmt --all --check; }

step_clippy() { cargo clippy -q --locked --workspace --all-targets; }

step_doc() { RUSTDOCFLAGS="--cfg madsim -D warnings" cargo doc -q --locked --workspace --no-deps; }

# The command that the README names. It holds the claims about brokers, checks and reports, and
# ci/tests/tidy.rs, which holds what no lint can.
step_test() { cargo test -q --locked; }

# Where the flag is lost (an exported RUSTFLAGS, an install from a registry) everything but hosted
# services must still build. A target folder of its own keeps the other build warm.
step_plain() { RUSTFLAGS="" cargo check -q --locked --target-dir target/plain; }

# The benches are run by people; here they only have to build.
step_benches() { cargo check -q --locked -p stormglass-bench --benches; }

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
