#!/usr/bin/env bash
# The full counts behind what this project claims of itself: slow, in release, and as one table at the end.
#
#   bash ci/prove.sh                      every group
#   bash ci/prove.sh determinism acks     only these
#
# Groups: determinism shards baseline acks flaws selftest windows clocks speed memory badinput queueing shrink explain
# plans swarm.
# `.ci/run` holds the same claims in small.
# Needs what `.ci/run` needs; speed and memory are read from the clock and /proc, so they want a quiet Linux.
# Ends with 1 if a claim does not hold. Results are left in out/prove.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

all=(determinism shards baseline acks flaws selftest windows clocks speed memory badinput queueing shrink explain
    plans swarm)
orders=scenarios/delivery/orders-once.toml
leader=scenarios/delivery/acks-leader.toml
results=out/prove
rows=$results/rows.txt
release=target/release/stormglass
debug=target/debug/stormglass
broken=0

# row CLAIM COMMAND FIGURE VERDICT
row() {
    printf '| %s | `%s` | %s | %s |\n' "$1" "$2" "$3" "$4" | tee -a "$rows"
    if [ "$4" = "does not hold" ]; then broken=1; fi
}

# verdict TEST...: the words for whether a test holds.
verdict() { if "$@"; then echo holds; else echo "does not hold"; fi; }

# storm BINARY FOLDER ARGUMENTS...: runs it, keeps its output beside its results, puts its exit code in `code`.
code=0
storm() {
    local binary=$1 folder=$results/$2
    shift 2
    rm -rf "$folder"
    mkdir -p "$folder"
    code=0
    "$binary" "$@" --out "$folder" -q >"$folder/console.txt" 2>&1 || code=$?
    case $code in 2 | 70) cat "$folder/console.txt" >&2; echo "exit $code from $binary $*" >&2; exit "$code" ;; esac
}

# file FOLDER NAME: the one file of that name in the results of a run.
file() { find "$results/$1" -name "$2" | sort | head -n 1; }

# figure FOLDER OBJECT FIELD: a number of summary.json, which is indented and in a fixed order.
figure() {
    awk -v object="  \"$2\": {" -v field="    \"$3\":" '
        $0 == object { inside = 1 }
        inside && index($0, field) == 1 { gsub(/[^0-9]/, ""); print; exit }
        inside && $0 ~ /^  \}/ { exit }' "$(file "$1" summary.json)"
}

fingerprint() { awk -F'"' '/^  "fingerprint":/ { print $4; exit }' "$(file "$1" summary.json)"; }

# alike CLAIM COMMAND FOLDER FOLDER: both runs have the fingerprint and the bytes of each other.
alike() {
    local a b
    a=$(fingerprint "$3")
    b=$(fingerprint "$4")
    row "$1" "$2" "$a and $b" "$(verdict test -n "$a" -a "$a" = "$b")"
}

same_bytes() { cmp -s "$(file "$1" "$3")" "$(file "$2" "$3")"; }

# tests GROUP CRATE TESTS COUNTS...: runs tests in full counts, in release. Puts what they print into the file `log`,
# how they ended into `code`, how many ran into `ran` and the line that repeats it into `command`.
tests() {
    local group=$1 crate=$2 which=$3
    shift 3
    log=$results/$group.txt code=0 command="$* cargo test --release -p $crate $which"
    # The name of a test stands behind its target, so these are words.
    env "$@" cargo test -q --locked --release -p "$crate" $which -- --nocapture >"$log" 2>&1 || code=$?
    ran=$(awk '/^test result/ { ran += $4 } END { print ran + 0 }' "$log")
}

# passed CLAIM FIGURE: the row of the tests that ran last; none is not a pass.
passed() { row "$1" "$command" "$2, exit $code" "$(verdict test "$code" -eq 0 -a "$ran" -ge 1)"; }

prove_determinism() {
    storm $release twice run $orders --seeds 1000 --twice
    row "1,000 seeds give the same fingerprint twice" "run $orders --seeds 1000 --twice" \
        "exit $code, fingerprint $(fingerprint twice)" "$(verdict test $code -ne 7)"

    storm $release bare run $orders --seeds 100 --driver bare
    storm $release hosted run $orders --seeds 100 --driver hosted
    alike "100 seeds are the same in a plain loop and inside madsim" "--seeds 100 --driver bare and hosted" bare hosted

    cargo build -q --locked
    storm $debug debug run $orders --seeds 50
    storm $release release run $orders --seeds 50
    alike "50 seeds are the same in debug and release" "--seeds 50" debug release

    storm $release one run $orders --seeds 200 --jobs 1
    storm $release two run $orders --seeds 200 --jobs 2
    alike "200 seeds are the same on one thread and on two" "--seeds 200 --jobs 1 and 2" one two

    storm $release first run $orders --seeds 100
    storm $release other/folder run $orders --seeds 100
    alike "two processes agree" "--seeds 100, twice" first other/folder
    local name
    for name in summary.json report.html junit.xml summary.md; do
        row "two runs into two folders write the same bytes" "cmp $name" \
            "$(wc -c <"$(file first $name)") bytes" "$(verdict same_bytes first other/folder $name)"
    done
}

# same_results FOLDER FOLDER: all that is a function of the sweep alone has the same bytes.
same_results() {
    local name
    for name in seeds.ndjson summary.json report.html junit.xml summary.md; do
        same_bytes "$1" "$2" "$name" || return 1
    done
}

prove_shards() {
    local sweep="run $leader --seeds 160" number ran
    storm $release whole $sweep --jobs 1
    for number in $(seq 16); do
        storm $release "shards/$number" $sweep --shard "$number/16" --jobs $((number % 2 + 1))
    done
    storm $release merged merge $results/shards
    row "16 shards, on one thread and on two, merge to the bytes of one sweep" "$sweep --shard 1/16 ...; merge" \
        "exit $code, $(wc -c <$results/merged/report.html) bytes" "$(verdict same_results whole merged)"

    # Killed after a while, three times, each time elsewhere; then to the end.
    local moments=(2 3 4) moment before
    rm -rf $results/resumed
    mkdir -p $results/resumed
    ran=0
    for moment in "${moments[@]}"; do
        before=$(lines resumed)
        timeout -s KILL "$moment" $release $sweep --resume --out $results/resumed -q || true
        ran=$((ran + $(lines resumed) - before))
    done
    $release $sweep --resume --out $results/resumed -q >/dev/null || true
    ran=$((ran + $(environment resumed seeds_run)))
    row "killed three times and resumed it ends with the same bytes" "$sweep --resume" \
        "160 seeds, $ran runs" "$(verdict same_results whole resumed)"
    row "and no finished seed ran again" "$sweep --resume" "$ran runs" "$(verdict test "$ran" -eq 160)"

    local third=$results/shards/3/seeds.ndjson
    truncate -s $(($(wc -c <"$third") * 2 / 3)) "$third"
    $release $sweep --shard 3/16 --resume --out $results/shards/3 -q >/dev/null
    storm $release merged merge $results/shards
    row "a shard that was cut off and resumed merges like any other" "merge" \
        "$(environment shards/3 seeds_run) of 10 seeds ran again" "$(verdict same_results whole merged)"
}

# lines FOLDER: finished seeds of a sweep that may be under way.
lines() { if [ -f "$results/$1/seeds.ndjson" ]; then tail -n +2 "$results/$1/seeds.ndjson" | wc -l; else echo 0; fi; }

prove_baseline() {
    tests baseline stormglass "--test all baseline::" STORMGLASS_COMMITS=100
    passed "an unchanged model is green on 100 commits; one with another p99 is exit 6 and names the stage" "$ran tests"
}

prove_acks() {
    storm $release leader run $leader --seeds 200
    local lost
    lost=$(figure leader seeds fail)
    row "acks=1 loses acknowledged events in at least 5 of 200 seeds" "run $leader --seeds 200" \
        "$lost of 200, exit $code" "$(verdict test "$lost" -ge 5 -a $code -eq 1)"

    storm $release everyone run $leader --variant acks-all --seeds 5000
    lost=$(figure everyone seeds fail)
    row "acks=all loses none in 5,000 seeds" "run $leader --variant acks-all --seeds 5000" \
        "$lost of 5,000, exit $code" "$(verdict test "$lost" -eq 0 -a $code -eq 0)"
}

# Every case of a scenario file with the known exit 1: the file, and the variant or a dash.
flawed() {
    find scenarios -name '*.toml' ! -name Cargo.toml | sort | while read -r scenario; do
        awk -v file="$scenario" '
            /^\[/ { section = $0; variant = "-" }
            section == "[[variant]]" && /^name *=/ { split($0, part, "\""); variant = part[2] }
            (section == "[expect]" || section == "[[variant]]") && /^exit *= *1 *(#.*)?$/ { print file, variant }
        ' "$scenario"
    done
}

prove_flaws() {
    local scenario variant arguments found
    # On a descriptor of its own, so that no command below eats the list.
    while read -r -u 3 scenario variant; do
        arguments=(run "$scenario" --seeds 200)
        if [ "$variant" != - ]; then arguments+=(--variant "$variant"); fi
        storm $release flaw "${arguments[@]}"
        found=$(figure flaw seeds fail)
        row "$(basename "$scenario" .toml), $variant: its flaw is found within 200 seeds" "${arguments[*]}" \
            "in $found of 200, exit $code" "$(verdict test "$found" -ge 1 -a $code -eq 1)"
    done 3< <(flawed)
}

prove_selftest() {
    local base score
    for base in one two three; do
        storm $release selftest self-test --seeds 200 --seed-base $base --at-least 95%
        score=$(tail -n 1 $results/selftest/console.txt)
        row "a gate with 200 seeds finds at least 95 % of all that is known to be wrong" \
            "self-test --seeds 200 --seed-base $base --at-least 95%" "$score" "$(verdict test $code -eq 0)"
    done
}

# clocks WHAT TWIN...: what wrong clocks do to it, and to its twins.
clocks() {
    local what=$1 cause arguments broken_in twin
    shift
    for cause in skew drift step; do
        arguments=(run "scenarios/clocks/$what-$cause.toml" --seeds 1000)
        storm $release clocks "${arguments[@]}"
        broken_in=$(figure clocks seeds fail)
        row "$cause breaks a $what by the wall clock" "${arguments[*]}" \
            "in $broken_in of 1,000, exit $code" "$(verdict test "$broken_in" -ge 1 -a $code -eq 1)"
        for twin in "$@"; do
            storm $release clocks "${arguments[@]}" --variant "$twin"
            broken_in=$(figure clocks seeds fail)
            row "$cause breaks nothing in its twin: $twin" "${arguments[*]} --variant $twin" \
                "in $broken_in of 1,000, exit $code" "$(verdict test "$broken_in" -eq 0 -a $code -eq 0)"
        done
    done
}

prove_clocks() {
    clocks lease monotonic fenced
    clocks watermark event-time
}

prove_windows() {
    tests windows stormglass-scenarios "--test all windows::" STORMGLASS_SEEDS=2000
    grep 'seeds,' "$log" || true
    passed "windows of all three kinds equal a batch over the log on two real traces, 2,000 seeds each" \
        "$(grep -c ' 0 wrong' "$log" || true) cases"
}

# Wall time; the load average stands beside it, because a busy machine measures itself.
prove_speed() {
    local began took
    began=$(date +%s%N)
    storm $release speed run $orders --seeds 300
    took=$(($(date +%s%N) - began))
    row "runs a minute, all cores" "run $orders --seeds 300" \
        "$((300 * 60 * 1000000000 / took)), load $(cut -d' ' -f1 /proc/loadavg)" shown
    echo "the kernel's own benches:"
    cargo bench -q --locked -p stormglass-bench 2>&1 | tee "$results/bench.txt"
}

# peak FOLDER ARGUMENTS...: the largest resident size in KiB while it ran, in `kib`.
peak() {
    local folder=$results/$1 process now
    shift
    mkdir -p "$folder"
    kib=0
    $release "$@" --out "$folder" -q >"$folder/console.txt" 2>&1 &
    process=$!
    while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$process/status" 2>/dev/null) && [ -n "$now" ]; do
        kib=$now
        sleep 0.05
    done
    wait "$process" || true
}

# environment FOLDER FIELD: a number of env.json.
environment() { awk -v field="\"$2\":" '$1 == field { gsub(/[^0-9]/, ""); print }' "$(file "$1" env.json)"; }

prove_memory() {
    local kib few many
    peak few run $orders --seeds 50
    few=$kib
    peak many run $orders --seeds 1000
    many=$kib
    row "memory does not grow with the number of seeds" "run $orders --seeds 50 and 1000" \
        "$((few / 1024)) and $((many / 1024)) MiB" "$(verdict test "$many" -lt $((few * 3 / 2)))"

    local base=$results/memory.toml long=$results/memory-long.toml
    cp ci/tests/all/memory/steady.toml "$base"
    sed 's/^chaos = "20s"$/chaos = "330s"/' "$base" >"$long"
    grep -q '^chaos = "330s"$' "$long"
    storm $release steady run "$base" --variant fast
    storm $release steady-long run "$long" --variant fast
    local events=($(figure steady totals accepted) $(figure steady-long totals accepted))
    local peaks=($(environment steady peak_rss_bytes) $(environment steady-long peak_rss_bytes))
    local modelled=($(environment steady modelled_bytes) $(environment steady-long modelled_bytes))
    row "ten times the events at 5,000/s need at most 1.2 times the memory" \
        "run ci/tests/all/memory/steady.toml --variant fast, chaos 20s and 330s" \
        "${events[0]} and ${events[1]} events: $((peaks[0] / 1024)) and $((peaks[1] / 1024)) KiB" \
        "$(verdict test "${events[1]}" -ge $((10 * events[0])) -a $((5 * peaks[1])) -le $((6 * peaks[0])))"
    tests memory-growth stormglass "--test all memory::" STORMGLASS_LONG=1
    passed "a further virtual second adds next to nothing" "$(grep 'further virtual second' "$log" || true)"
    row "what the modelled disks hold in them" "env.json" \
        "$((modelled[0] / 1024)) and $((modelled[1] / 1024)) KiB" shown
}

prove_badinput() {
    tests badinput stormglass-scenarios mutated STORMGLASS_CASES=100000
    passed "100,000 mutated scenario texts load or are refused with a place; none panics" "$ran tests"
}

prove_queueing() {
    tests queueing stormglass-sim "--test all queueing::" STORMGLASS_SAMPLES=10000000
    grep 'standard errors\|intervals' "$log" || true
    passed "stations behave as theory says: 10 million jobs, 200 million at 0.95" \
        "$(grep -c 'standard errors' "$log" || true) stations"
}

prove_shrink() {
    tests shrink stormglass-scenarios "--test all shrink::" STORMGLASS_SEEDS=1000
    grep '^|' "$log" || true
    passed "every known failure becomes a schedule of a few events and faults that fails alone; again changes nothing" \
        "$(grep -c '^| [a-z]*/' "$log" || true) failures"
}

prove_explain() {
    tests explain stormglass-scenarios "--test all explain::" STORMGLASS_SEEDS=1000 STORMGLASS_SEARCH=2000
    grep 'as it is\|search' "$log" || true
    passed "the counterfactuals of every flaw name it; without it 2,000 fresh seeds pass" \
        "$(grep -c '  search: 0 of' "$log" || true) flaws"
}

prove_plans() {
    tests plans stormglass-scenarios "--test all plans::" STORMGLASS_CASES=10000
    passed "10,000 plans print, parse back to themselves and give the same fingerprint" "$ran tests"
    tests plans-any stormglass-scenarios "--lib plan::tests" STORMGLASS_CASES=10000
    passed "and so do 10,000 lists of any faults" "$ran tests"
}

# 600 seeds of each of some 34 safe cases.
prove_swarm() {
    tests swarm stormglass-scenarios "--test all swarm::" STORMGLASS_SEEDS=600
    grep 'alarms' "$log" || true
    passed "the full swarm inside the envelope raises no alarm in a safe configuration" \
        "$(grep ' runs, ' "$log" || true)"
}

mkdir -p "$results"
: >"$rows"
cargo build -q --locked --release
for group in "${@:-${all[@]}}"; do
    case " ${all[*]} " in
        *" $group "*) ;;
        *) echo "no group $group; there are: ${all[*]}" >&2; exit 2 ;;
    esac
    echo "== $group"
    "prove_$group"
done
printf '\n| claim | command | figure | verdict |\n| --- | --- | --- | --- |\n'
cat "$rows"
exit $broken
