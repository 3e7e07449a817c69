//! The keywords of `ci/templates`, against those that the services publish: a misspelt one is ignored by some of
//! them and refused by others, and shows only where it is too late.
//!
//! *Verifies* that every keyword of a workflow, job, step, artefact, pod and container is one of the service, and what
//! kind of value it has. *Does not verify* expressions, images or actions; the lists are of the schemas
//! `github-workflow` (SchemaStore), `ci.json` (GitLab) and `batch/v1` (Kubernetes), as of 2026, without what no
//! template could want.

use super::templates::template;
use serde_json::Value;

/// What a keyword holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Number,
    Truth,
    Texts,
    /// Names and scalars that are the user's.
    Names,
    /// Keywords of their own.
    Keys(&'static [(&'static str, Kind)]),
    /// A list of such.
    Each(&'static [(&'static str, Kind)]),
    /// Names that are the user's, each with keywords.
    Named(&'static [(&'static str, Kind)]),
    /// Anything: events and matrices have forms of their own.
    Any,
}

use Kind::{Any, Each, Keys, Named, Names, Number, Text, Texts, Truth};

const GITHUB: Kind = Keys(&[
    ("name", Text),
    ("run-name", Text),
    ("on", Any),
    ("permissions", Names),
    (
        "concurrency",
        Keys(&[("group", Text), ("cancel-in-progress", Truth)]),
    ),
    ("env", Names),
    ("defaults", Any),
    (
        "jobs",
        Named(&[
            ("name", Text),
            ("needs", Text),
            ("runs-on", Text),
            ("if", Text),
            ("permissions", Names),
            ("timeout-minutes", Number),
            ("continue-on-error", Truth),
            ("outputs", Names),
            ("env", Names),
            (
                "strategy",
                Keys(&[
                    ("fail-fast", Truth),
                    ("max-parallel", Number),
                    ("matrix", Any),
                ]),
            ),
            (
                "steps",
                Each(&[
                    ("id", Text),
                    ("name", Text),
                    ("if", Text),
                    ("uses", Text),
                    ("with", Names),
                    ("run", Text),
                    ("shell", Text),
                    ("working-directory", Text),
                    ("env", Names),
                    ("continue-on-error", Truth),
                    ("timeout-minutes", Number),
                ]),
            ),
        ]),
    ),
]);

const GITLAB_JOB: &[(&str, Kind)] = &[
    ("stage", Text),
    ("image", Text),
    ("parallel", Number),
    ("interruptible", Truth),
    ("retry", Number),
    ("timeout", Text),
    ("needs", Texts),
    ("tags", Texts),
    ("variables", Names),
    ("before_script", Texts),
    ("script", Texts),
    ("after_script", Texts),
    ("allow_failure", Truth),
    (
        "artifacts",
        Keys(&[
            ("name", Text),
            ("paths", Texts),
            ("exclude", Texts),
            ("when", Text),
            ("expire_in", Text),
            ("reports", Names),
        ]),
    ),
];

const CONTAINER: &[(&str, Kind)] = &[
    ("name", Text),
    ("image", Text),
    ("imagePullPolicy", Text),
    ("command", Texts),
    ("args", Texts),
    ("workingDir", Text),
    ("env", Each(&[("name", Text), ("value", Text)])),
    ("resources", Keys(&[("requests", Names), ("limits", Names)])),
    (
        "volumeMounts",
        Each(&[
            ("name", Text),
            ("mountPath", Text),
            ("subPath", Text),
            ("readOnly", Truth),
        ]),
    ),
];

const KUBERNETES: Kind = Keys(&[
    ("apiVersion", Text),
    ("kind", Text),
    (
        "metadata",
        Keys(&[("name", Text), ("namespace", Text), ("labels", Names)]),
    ),
    (
        "spec",
        Keys(&[
            ("completionMode", Text),
            ("completions", Number),
            ("parallelism", Number),
            ("backoffLimit", Number),
            ("backoffLimitPerIndex", Number),
            ("maxFailedIndexes", Number),
            ("activeDeadlineSeconds", Number),
            ("ttlSecondsAfterFinished", Number),
            (
                "template",
                Keys(&[
                    ("metadata", Any),
                    (
                        "spec",
                        Keys(&[
                            ("restartPolicy", Text),
                            ("serviceAccountName", Text),
                            ("nodeSelector", Names),
                            ("containers", Each(CONTAINER)),
                            ("initContainers", Each(CONTAINER)),
                            (
                                "volumes",
                                Each(&[
                                    ("name", Text),
                                    (
                                        "persistentVolumeClaim",
                                        Keys(&[("claimName", Text), ("readOnly", Truth)]),
                                    ),
                                ]),
                            ),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
]);

/// Everything in `value` that is not as `kind` says, by its path.
fn strange(path: &str, value: &Value, kind: Kind, found: &mut Vec<String>) {
    let is_scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    let keys =
        |keys: &'static [(&str, Kind)], path: &str, value: &Value, found: &mut Vec<String>| {
            let Some(table) = value.as_object() else {
                found.push(format!("{path} has no keywords"));
                return;
            };
            for (key, value) in table {
                let path = format!("{path}.{key}");
                match keys.iter().find(|(known, _)| known == key) {
                    Some((_, kind)) => strange(&path, value, *kind, found),
                    None => found.push(format!("{path} is no keyword")),
                }
            }
        };
    let is_kind = match kind {
        Text => value.is_string(),
        Number => value.is_u64(),
        Truth => value.is_boolean(),
        Texts => value
            .as_array()
            .is_some_and(|texts| !texts.is_empty() && texts.iter().all(Value::is_string)),
        Names => value
            .as_object()
            .is_some_and(|table| table.values().all(is_scalar)),
        Any => true,
        Keys(known) => {
            keys(known, path, value, found);
            true
        }
        Each(known) => {
            let each = value.as_array().map_or(&[][..], Vec::as_slice);
            for (place, value) in each.iter().enumerate() {
                keys(known, &format!("{path}.{place}"), value, found);
            }
            !each.is_empty()
        }
        Named(known) => {
            let table = value.as_object();
            for (name, value) in table.into_iter().flatten() {
                keys(known, &format!("{path}.{name}"), value, found);
            }
            table.is_some()
        }
    };
    if !is_kind {
        found.push(format!("{path} is {value}, where {kind:?} belongs"));
    }
}

/// What is strange in a pipeline of GitLab: what is no global keyword is a job.
fn strange_in_gitlab(pipeline: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in pipeline.as_object().expect("it is a table") {
        let kind = match key.as_str() {
            "stages" => Texts,
            "variables" => Names,
            _ => Keys(GITLAB_JOB),
        };
        strange(key, value, kind, &mut found);
    }
    found
}

fn strange_in(value: &Value, kind: Kind) -> Vec<String> {
    let mut found = Vec::new();
    strange("", value, kind, &mut found);
    found
}

#[test]
fn every_keyword_is_one_that_the_service_knows() {
    let none: Vec<String> = Vec::new();
    assert_eq!(strange_in(&template("github-actions.yml"), GITHUB), none);
    assert_eq!(strange_in_gitlab(&template("gitlab-ci.yml")), none);
    for name in ["kubernetes-shards.yaml", "kubernetes-merge.yaml"] {
        assert_eq!(strange_in(&template(name), KUBERNETES), none, "{name}");
    }
}

#[test]
fn a_keyword_that_is_misspelt_or_of_another_kind_is_found() {
    let mut workflow = template("github-actions.yml");
    let step = &mut workflow["jobs"]["shard"]["steps"][0];
    step["user"] = step["uses"].take();
    workflow["jobs"]["build"]["timeout-minutes"] = "soon".into();
    let found = strange_in(&workflow, GITHUB);
    assert!(
        found
            .iter()
            .any(|line| line == ".jobs.shard.steps.0.user is no keyword"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("timeout-minutes is \"soon\"")),
        "{found:?}"
    );
    let mut pipeline = template("gitlab-ci.yml");
    pipeline["storm:shard"]["scripts"] = pipeline["storm:shard"]["script"].clone();
    assert_eq!(
        strange_in_gitlab(&pipeline),
        ["storm:shard.scripts is no keyword"]
    );
    let mut job = template("kubernetes-shards.yaml");
    job["spec"]["completions"] = "16".into();
    assert_eq!(
        strange_in(&job, KUBERNETES).len(),
        1,
        "a number in quotes is refused"
    );
}
