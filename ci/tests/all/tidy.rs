//! What no lint can hold: the arrows between crates, one module a dependency, scenarios that load and open
//! with their question, links that resolve, names that are unique, files and lines that fit a screen.
//!
//! *Does not verify* what rustfmt, clippy and rustdoc do; `ci/pipeline.sh` runs those beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use stormglass_scenarios::load::load;
use stormglass_scenarios::spec::Names;

/// A file of the project: its path from the root with `/`, and its text.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text of the project with one of these endings, in order of path.
fn files(endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root(), "", &mut |path| {
        if endings.iter().any(|ending| path.ends_with(ending)) {
            let text = fs::read_to_string(root().join(path)).expect("the file was just listed");
            found.push(File {
                path: path.to_owned(),
                text,
            });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends with {endings:?}");
    found
}

fn walk(folder: &Path, prefix: &str, found: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let entry = entry.expect("the folder can be read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("an entry has a type").is_dir() {
            if !["target", "out", ".git"].contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), found);
            }
        } else {
            found(&path);
        }
    }
}

/// Fails with the whole list, so that one run shows all there is to mend.
fn none(complaints: Vec<String>, rule: &str) {
    assert!(
        complaints.is_empty(),
        "{rule}\n  {}",
        complaints.join("\n  ")
    );
}

/// The names under `[dependencies]` (`dev` false) or under any dependency table of a manifest.
fn dependencies(manifest: &str, dev: bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            inside = table.ends_with("dependencies]") && (dev || !table.starts_with("dev-"));
        } else if inside && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
            names.insert(name.to_owned());
        }
    }
    names.remove("");
    names
}

fn manifest(crate_folder: &str) -> String {
    fs::read_to_string(root().join(crate_folder).join("Cargo.toml"))
        .expect("every crate has a manifest")
}

#[test]
fn arrows_between_crates_are_those_of_the_architecture() {
    let allowed: [(&str, &[&str]); 6] = [
        ("core", &[]),
        ("sim", &["core"]),
        ("scenarios", &["core", "sim"]),
        ("reports", &["core"]),
        ("bench", &["core", "sim", "scenarios"]),
        ("ci", &["core", "sim", "scenarios", "reports"]),
    ];
    let mut complaints = Vec::new();
    for (folder, arrows) in allowed {
        for name in dependencies(&manifest(folder), false) {
            if let Some(other) = name.strip_prefix("stormglass-")
                && !arrows.contains(&other)
            {
                complaints.push(format!("{folder} -> {other}"));
            }
        }
    }
    none(
        complaints,
        "ARCHITECTURE.md draws no such arrow between crates",
    );
}

/// Whether code (not a comment) names the crate: as a path, in a `use`, or as an attribute or derive.
fn mentions(text: &str, crate_name: &str) -> bool {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .any(|line| {
            line.match_indices(crate_name).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = &line[at + crate_name.len()..];
                let opens = !before
                    .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '"' | '.'));
                opens
                    && (after.starts_with("::")
                        || line.trim_start().starts_with("use ")
                            && after.starts_with([';', ' ', '{']))
            })
        })
}

#[test]
fn a_dependency_is_mentioned_by_one_module() {
    let homes: [(&str, &[&str]); 15] = [
        ("clap", &["ci/src/args", "ci/src/lib.rs"]),
        ("clap_complete", &["ci/src/args"]),
        ("clap_mangen", &["ci/src/args"]),
        ("indicatif", &["ci/src/progress"]),
        ("flate2", &["reports/src/packed"]),
        ("base64", &["reports/src/packed"]),
        ("serde_saphyr", &["ci/tests/all/sweeps/templates"]),
        ("plotters", &["reports/src/chart"]),
        ("quick_junit", &["reports/src/junit"]),
        ("toml", &["scenarios/"]),
        (
            "boon",
            &["scenarios/tests/all/schema", "reports/tests/all/schema"],
        ),
        // Derived on settings, as serde is: wherever these are.
        ("schemars", &["core/src/", "scenarios/src/", "reports/src/"]),
        ("csv", &["scenarios/src/trace"]),
        ("madsim", &["sim/src/drive/", "sim/tests/all/hosted"]),
        ("rand_chacha", &["core/src/rng"]),
    ];
    let sources = files(&[".rs"]);
    let mut complaints = Vec::new();
    for (name, homes) in homes {
        for file in sources
            .iter()
            .filter(|file| !file.path.starts_with("bench/"))
        {
            let is_home = homes.iter().any(|home| file.path.starts_with(home));
            if !is_home && mentions(&file.text, name) {
                complaints.push(format!(
                    "{} mentions {name}, which belongs to {}",
                    file.path,
                    homes.join(", ")
                ));
            }
        }
    }
    for name in ["signal_hook", "hdrhistogram"] {
        let mut by_crate: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for file in sources
            .iter()
            .filter(|file| file.path.contains("/src/") && mentions(&file.text, name))
        {
            let folder = file.path.split('/').next().unwrap();
            by_crate.entry(folder).or_default().push(&file.path);
        }
        for (folder, paths) in by_crate.into_iter().filter(|(_, paths)| paths.len() > 1) {
            complaints.push(format!(
                "{folder} mentions {name} in {}",
                paths.join(" and ")
            ));
        }
    }
    none(
        complaints,
        "a dependency has one home, so that it can be replaced there",
    );
}

#[test]
fn core_and_sim_have_no_thread_and_no_operating_system() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"]) {
        let is_kernel = file.path.starts_with("core/src/") || file.path.starts_with("sim/src/");
        // The hosted driver gives a run a thread of its own, which is what keeps std's seeds apart.
        if !is_kernel || file.path.starts_with("sim/src/drive/") {
            continue;
        }
        for word in [
            "std::thread",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
        ] {
            if file.text.contains(&format!("use {word}")) || mentions(&file.text, word) {
                complaints.push(format!("{} uses {word}", file.path));
            }
        }
    }
    none(complaints, "what a seed decides may depend on nothing else");
}

#[test]
fn every_scenario_loads_and_opens_with_its_question() {
    let mut complaints = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for file in files(&[".toml"]) {
        let is_other = ["scenarios/Cargo.toml", "scenarios/profiles/"];
        if !file.path.starts_with("scenarios/")
            || is_other.iter().any(|other| file.path.starts_with(other))
        {
            continue;
        }
        let question: String = file
            .text
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .take_while(|line| !line.trim().is_empty())
            .collect();
        if !question.trim_end().ends_with('?') {
            complaints.push(format!("{}: its first sentence is no question", file.path));
        }
        match load(&root().join(&file.path), &Names::default()) {
            Ok(loaded) => {
                let name = loaded.base().scenario.name.clone();
                if let Some(other) = names.insert(name.clone(), file.path.clone()) {
                    complaints.push(format!("{} and {other} are both called {name}", file.path));
                }
            }
            Err(error) => complaints.push(error.to_string()),
        }
    }
    none(complaints, "a scenario file asks one question and loads");
}

#[test]
fn every_link_and_every_named_page_resolves() {
    let mut complaints = Vec::new();
    for file in files(&[".md"]) {
        let folder = Path::new(&file.path).parent().unwrap();
        for (at, _) in file.text.match_indices("](") {
            let rest = &file.text[at + 2..];
            let target = rest.split(')').next().unwrap();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let page = if path.is_empty() {
                root().join(&file.path)
            } else {
                root().join(folder).join(path)
            };
            if !page.exists() {
                complaints.push(format!("{}: {target} leads nowhere", file.path));
            } else if !anchor.is_empty()
                && !anchors(&fs::read_to_string(&page).unwrap()).contains(anchor)
            {
                complaints.push(format!("{}: {path} has no heading #{anchor}", file.path));
            }
        }
    }
    for file in files(&[".rs", ".toml", ".sh", ".md"]) {
        for (at, _) in file.text.match_indices("docs/") {
            let name: String = file.text[at..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "/-_.".contains(*c))
                .collect();
            let page = name.trim_end_matches('.');
            let is_ours = !file.text[..at].ends_with(['/', '.']);
            if is_ours && page.ends_with(".md") && !root().join(page).exists() {
                complaints.push(format!("{}: there is no {page}", file.path));
            }
        }
    }
    none(complaints, "a link leads to something");
}

/// The anchors of a page's headings, as the forges make them.
fn anchors(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn no_two_points_share_a_name() {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let mut complaints = Vec::new();
    for file in files(&[".rs"])
        .into_iter()
        .filter(|file| file.path.contains("/src/"))
    {
        let code: String = file.text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (at, _) in code.match_indices(": PointId = PointId::new(\"") {
            let name = code[at..].split('"').nth(1).unwrap();
            if let Some(other) = owners.insert(name.to_owned(), file.path.clone()) {
                complaints.push(format!("{name}: {} and {other}", file.path));
            }
        }
    }
    none(
        complaints,
        "a point's id is a hash of its name, so the name has one owner",
    );
}

#[test]
fn lines_and_files_fit_a_screen() {
    const COLUMNS: usize = 120;
    const LINES: usize = 700;
    let mut complaints = Vec::new();
    for file in files(&[".rs", ".sh", ".toml"]) {
        let lines = file.text.lines().count();
        if lines > LINES {
            complaints.push(format!("{}: {lines} lines, more than {LINES}", file.path));
        }
        for (index, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            // A table keeps a row a line: texts and what they must give in tests, disallowed types and why.
            let is_table = file.path.ends_with("clippy.toml") || file.path.contains("/tests/");
            if columns > if is_table { 2 * COLUMNS } else { COLUMNS } {
                complaints.push(format!("{}:{}: {columns} columns", file.path, index + 1));
            }
        }
    }
    none(complaints, "a file is split by role, a line is broken");
}

#[test]
fn no_machine_leaves_its_name() {
    // Taken apart, so that this file does not complain about itself.
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Use", "rs/"),
        concat!("index-", "proxy"),
        concat!("artifact", "ory"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    let mut complaints = Vec::new();
    for file in files(&[
        ".rs", ".toml", ".md", ".sh", ".lock", ".js", ".css", ".yml", ".yaml", ".run",
    ]) {
        for (index, line) in file.text.lines().enumerate() {
            for word in words {
                if line.contains(word) {
                    complaints.push(format!("{}:{}: {word}", file.path, index + 1));
                }
            }
        }
    }
    for line in fs::read_to_string(root().join("Cargo.lock"))
        .unwrap()
        .lines()
    {
        if let Some(source) = line.strip_prefix("source = ")
            && source != "\"registry+https://github.com/rust-lang/crates.io-index\""
        {
            complaints.push(format!("Cargo.lock: {source}"));
        }
    }
    none(complaints, "what is written here is true on every machine");
}

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    let complaints = files(&[".rs"])
        .into_iter()
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.text.starts_with("//!"))
        .map(|file| file.path)
        .collect();
    none(complaints, "a file's first line says what it is for");
}

#[test]
fn a_test_that_the_page_on_kafka_names_exists() {
    let sources = files(&[".rs"]);
    let page = fs::read_to_string(root().join("docs/kafka.md")).expect("the page is there");
    let named: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.rsplit('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains('_'))
        .collect();
    assert!(named.len() >= 40, "{named:?}");
    let is_missing = |name: &&str| {
        let head = format!("fn {name}(");
        !sources.iter().any(|file| file.text.contains(&head))
    };
    none(
        named
            .into_iter()
            .filter(is_missing)
            .map(str::to_owned)
            .collect(),
        "what a page says is shown by a test",
    );
}
