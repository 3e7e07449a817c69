//! The top of the page: verdict, gate and what broke.

use super::cause::story;
use super::words::{answer_class, bound, command, escape, section, short, table, tag, verdict};
use crate::model::Mode;
use crate::model::outcome::Answer;
use crate::model::value::Value;
use crate::stats::Share;
use crate::summary::{FailureSummary, SloSummary, Summary, shown_or_dash};

/// Failure groups shown as cards.
const CARDS: usize = 20;
/// Lines of a witness or a fault plan on a card.
const LINES: usize = 40;

/// Verdict, question, stamps and the exact command.
pub fn header(summary: &Summary) -> String {
    let identity = &summary.identity;
    let (badge, class) = verdict(summary.verdict);
    let seeds = &summary.seeds;
    let mut chips = vec![
        format!(
            "<b>{}</b> seeds: {} pass, {} fail, {} unknown, {} n/a",
            Value::Count(seeds.total()),
            Value::Count(seeds.pass),
            Value::Count(seeds.fail),
            Value::Count(seeds.unknown),
            Value::Count(seeds.not_applicable)
        ),
        format!("virtual time <b>{}</b>", summary.virtual_duration),
        format!("profile <b>{}</b>", escape(&identity.profile)),
        format!("stormglass <b>{}</b>", escape(&identity.tool_version)),
        format!(
            "models <b>{}</b>",
            escape(&identity.model_versions.join(" "))
        ),
        format!(
            "fingerprint {} <b class=\"mono\">{}</b>",
            escape(&identity.fingerprint_algorithm),
            summary.fingerprint
        ),
    ];
    let determinism = &summary.determinism;
    if determinism.checked > 0 {
        let same = determinism
            .checked
            .saturating_sub(determinism.differing.len() as u64);
        chips.push(format!(
            "<b>{same}/{}</b> fingerprints reproduced",
            determinism.checked
        ));
    }
    let chips: String = chips
        .iter()
        .map(|chip| format!("<li>{chip}</li>"))
        .collect();
    format!(
        "<header class=\"head {class}\"><div>\n<div class=\"lead\"><div style=\"flex:1\">\
         <h1>{}</h1><p class=\"question\">{}</p></div>{badge}</div>\n\
         <p class=\"because\">{}</p>\n\
         <ul class=\"chips\"><li class=\"stamp\">latencies {}</li>{chips}</ul>\n{}{}</div></header>\n",
        escape(&summary.title()),
        escape(&identity.question),
        because(summary),
        escape(&summary.stamp()),
        command("command", &identity.command),
        navigation(summary)
    )
}

/// Why the verdict is what it is, in one sentence.
fn because(summary: &Summary) -> String {
    let exit = &summary.exit;
    let mut text = match summary.identity.mode {
        Mode::Run => format!("Exit code <b>{}</b>, {}", exit.code, exit.class),
        Mode::Gate => format!("Gate: exit code <b>{}</b>, {}", exit.code, exit.class),
    };
    if !exit.also.is_empty() {
        text.push_str(&format!("; also {}", exit.also.join(", ")));
    }
    if !exit.warned.is_empty() {
        text.push_str(&format!("; only warned of: {}", exit.warned.join(", ")));
    }
    let broken = summary.failures.len();
    if broken > 0 {
        let groups = if broken == 1 { "way" } else { "ways" };
        text.push_str(&format!(". It broke in {broken} {groups}"));
    }
    text.push('.');
    if let Some(bound) = &summary.absence {
        text.push_str(&format!(" <span class=\"muted\">{}</span>", escape(bound)));
    }
    text
}

fn navigation(summary: &Summary) -> String {
    let links = [
        ("gate", "Gate", true),
        ("broke", "What broke", has_failures(summary)),
        ("baseline", "Baseline", summary.baseline.is_some()),
        ("numbers", "Key numbers", true),
        ("latency", "Latency", !summary.latencies.is_empty()),
        ("time", "Over time", summary.shown.is_some()),
        ("story", "What led to it", has_story(summary)),
        ("checks", "Checks", true),
        ("points", "Points", !summary.points.is_empty()),
        ("cells", "Coverage", summary.coverage.is_some()),
        ("faults", "Faults", summary.shown.is_some()),
        ("seeds", "Seeds", true),
        ("configuration", "Configuration", true),
    ];
    let links = links.into_iter().filter(|(_, _, exists)| *exists);
    let links: String = links
        .map(|(id, name, _)| format!("<a href=\"#{id}\">{name}</a>"))
        .collect();
    format!("<nav aria-label=\"Sections\">{links}</nav>\n")
}

/// Whether the shown run has views of its failure.
pub fn has_story(summary: &Summary) -> bool {
    let story = summary.shown.as_ref().and_then(|run| run.story.as_ref());
    story.is_some_and(|story| !story.moments.is_empty())
}

/// One row a property and SLO: the bound beside what was seen.
pub fn gate(summary: &Summary) -> String {
    let mut rows: Vec<(Answer, String)> = Vec::new();
    for check in &summary.checks {
        rows.push((
            check.answer,
            format!(
                "<th scope=\"row\" class=\"wrap\">{}<div class=\"small\">{}</div></th><td>all</td>\
                 <td class=\"num\">0 violations</td><td>{}</td><td class=\"num\">–</td>\
                 <td class=\"num\">{}</td>",
                escape(&check.name),
                escape(&check.promise),
                escape(&check.observed),
                failing(check.answers.fail, check.answers.total())
            ),
        ));
    }
    for slo in &summary.slos {
        let worst = slo.worst.as_ref().map_or_else(String::new, |run| {
            let best = slo
                .best
                .map_or_else(String::new, |best| format!(", best {best}"));
            format!(
                "worst <b>{}</b> <span class=\"small\">seed {}</span>{best}",
                run.value, run.seed
            )
        });
        let pooled = slo
            .pooled_text()
            .map_or_else(String::new, |value| format!("pooled {value}<br>"));
        let allow = match slo.allow {
            0 => String::new(),
            allow => format!(
                "<div class=\"small\">{} may fail</div>",
                Value::Count(allow)
            ),
        };
        let bad = if slo.is_beyond() { " bad" } else { "" };
        rows.push((
            slo.answer,
            format!(
                "<th scope=\"row\" class=\"wrap\">{}<div class=\"small\">delivered {}</div></th>\
                 <td>{}</td><td class=\"num\">{}</td><td>{pooled}{worst}</td>\
                 <td class=\"num{bad}\">{}</td><td class=\"num\">{}{allow}</td>",
                escape(&slo.expression),
                Summary::delivered_text(slo.delivered, slo.owed),
                escape(&slo.phase.to_string()),
                bound(&slo.threshold),
                slo.margin(),
                failing(slo.answers.fail, slo.answers.total())
            ),
        ));
    }
    rows.sort_by_key(|(answer, _)| std::cmp::Reverse(*answer));
    let rows: String = rows
        .into_iter()
        .map(|(answer, cells)| {
            let class = answer_class(answer);
            format!(
                "<tr data-answer=\"{class}\"><td>{}</td>{cells}</tr>\n",
                tag(answer)
            )
        })
        .collect();
    let columns = [
        "Answer",
        "Property",
        "Phase",
        "#Threshold",
        "Observed",
        "#Margin",
        "#Seeds failing",
    ];
    let button = "<p class=\"bar\"><span class=\"muted\">Margins are of the worst seed. An SLO is \
                  judged run by run; pooled values are over all samples of all seeds.</span>\
                  <button type=\"button\" id=\"failed-only\" class=\"needs-js\" \
                  aria-pressed=\"false\">Failed only</button></p>\n";
    let table = table("gate", &columns, &rows);
    section(
        "gate",
        "Gate",
        &format!("{button}{table}{}", uncovered(summary)),
    )
}

fn failing(failed: u64, of: u64) -> String {
    let text = format!("{} of {}", Value::Count(failed), Value::Count(of));
    if failed == 0 {
        text
    } else {
        format!("<span class=\"bad\">{text}</span>")
    }
}

fn uncovered(summary: &Summary) -> String {
    let mut text = String::new();
    for (title, all) in [
        ("What was not covered", &summary.not_covered),
        ("Notes", &summary.notes),
    ] {
        if !all.is_empty() {
            text.push_str(&format!(
                "<div class=\"card\" style=\"margin-top:14px\"><h3>{title}</h3>{}</div>\n",
                list(all)
            ));
        }
    }
    text
}

fn list(all: &[String]) -> String {
    let shown = all
        .iter()
        .take(LINES)
        .map(|line| format!("<li>{}</li>", escape(&short(line))));
    let more = match all.len().saturating_sub(LINES) {
        0 => String::new(),
        _ => format!("<li>showing {LINES} of {}</li>", all.len()),
    };
    format!(
        "<ul class=\"plain\">{}{more}</ul>",
        shown.collect::<String>()
    )
}

fn has_failures(summary: &Summary) -> bool {
    !summary.failures.is_empty()
        || summary.slos.iter().any(|slo| slo.answer == Answer::Fail)
        || !summary.determinism.differing.is_empty()
        || !summary.internal_errors.is_empty()
        || !summary.regressions.is_empty()
        || !summary.stale.is_empty()
}

/// A card a signature, with the command that shows it again.
pub fn broke(summary: &Summary) -> String {
    if !has_failures(summary) {
        return String::new();
    }
    let cards = summary.failures.iter().take(CARDS).enumerate();
    let mut body: String = cards
        .map(|(index, group)| card(index, group, summary))
        .collect();
    if summary.failures.len() > CARDS {
        let all = summary.failures.len();
        body.push_str(&format!("<p>Showing {CARDS} of {all} signatures.</p>\n"));
    }
    let violated = summary.slos.iter().filter(|slo| slo.answer == Answer::Fail);
    body.push_str(
        &violated
            .enumerate()
            .map(|(index, slo)| slo_card(index, slo))
            .collect::<String>(),
    );
    let differing: Vec<_> = summary.determinism.differing.iter().cloned().collect();
    let others = [
        ("The same seed gave another fingerprint", &differing),
        ("Bugs of the tool itself", &summary.internal_errors),
        ("Worse than the baseline", &summary.regressions),
        ("Known failures that were not seen", &summary.stale),
    ];
    for (title, all) in others.into_iter().filter(|(_, all)| !all.is_empty()) {
        body.push_str(&format!(
            "<article class=\"card broken\"><h3>{title}</h3>{}</article>\n",
            list(all)
        ));
    }
    section("broke", "What broke", &body)
}

fn card(index: usize, group: &FailureSummary, summary: &Summary) -> String {
    let explained = group.explained.as_ref();
    let other = explained.filter(|explained| explained.signature != group.signature);
    let other = other.map_or_else(String::new, |explained| {
        format!(
            "<dt>Cut down, it is</dt><dd><code>{}</code></dd>",
            escape(&explained.signature)
        )
    });
    let link = |other: &String| {
        let mut groups = summary.failures.iter();
        let at = groups.position(|group| group.signature == *other);
        let (at, name) = (at.unwrap_or(index), escape(other));
        format!("<a href=\"#failure-{at}\"><code>{name}</code></a>")
    };
    let same = match (&group.same_as, &group.same_cause) {
        (Some(other), _) => format!("<p>Cut down, it is the schedule of {}.</p>\n", link(other)),
        (None, Some(other)) => format!(
            "<p>It has the cause of {}: what may mend that mends this too.</p>\n",
            link(other)
        ),
        (None, None) => String::new(),
    };
    let original = [
        lines("Witness", &group.witness),
        lines("Resolved fault plan", &group.faults),
        format!(
            "<div class=\"muted\">Replay</div>{}",
            command(&format!("replay-{index}"), &group.replay)
        ),
    ]
    .concat();
    // Where there is a short story, the long one is folded away.
    let short = explained.map(|explained| story(index, explained));
    let short = short.unwrap_or(same);
    let told = if short.is_empty() {
        original
    } else {
        format!(
            "{short}<details><summary>The whole run of seed {}</summary>{original}</details>\n",
            group.first_seed
        )
    };
    // The recorded run is that of one seed, and its story that of one violation.
    let shown = summary
        .shown
        .as_ref()
        .filter(|run| run.seed == group.first_seed);
    let story = shown.and_then(|run| run.story.as_ref());
    let views = if story.is_some_and(|story| story.sentence == group.sentence) {
        "<p><a href=\"#story\">What led to it, moment by moment</a></p>\n"
    } else {
        ""
    };
    let standing = group.standing.words().map_or_else(String::new, |words| {
        format!("<dt>On the list</dt><dd>{}</dd>", escape(&words))
    });
    format!(
        "<article class=\"card broken\" id=\"failure-{index}\"><h3>{}</h3>\n<dl>{standing}\
         <dt>Promise broken</dt><dd><b>{}</b> {}</dd><dt>Anomaly</dt><dd>{}</dd>\
         <dt>Seen in</dt><dd>{}, first in seed {}</dd>\
         <dt>Signature</dt><dd><code>{}</code></dd>{other}</dl>\n{views}{told}</article>\n",
        escape(&group.sentence),
        escape(&group.check),
        escape(&group.promise),
        escape(&group.anomaly),
        escape(&group.share.sentence()),
        group.first_seed,
        escape(&group.signature)
    )
}

/// A card a violated SLO, with the seed that violates it most.
fn slo_card(index: usize, slo: &SloSummary) -> String {
    let worst = slo.worst.as_ref();
    let replay = worst.map_or_else(String::new, |run| {
        format!(
            "<div class=\"muted\">Replay the worst seed</div>{}",
            command(&format!("replay-slo-{index}"), &run.replay)
        )
    });
    let cause = worst
        .filter(|run| !run.cause.is_empty())
        .map_or_else(String::new, |run| {
            format!("<dt>Cause</dt><dd>{}</dd>", escape(&run.cause))
        });
    format!(
        "<article class=\"card broken\"><h3>{} was not held ({})</h3>\n<dl>\
         <dt>Bound</dt><dd>{}</dd><dt>Pooled</dt><dd>{}</dd>\
         <dt>Worst seed</dt><dd>{} ({}), seed {}</dd>\
         <dt>Violated in</dt><dd>{}; allowed: {}</dd>\
         <dt>Delivered / owed</dt><dd>{}</dd>{cause}</dl>\n{replay}</article>\n",
        escape(&slo.expression),
        escape(&slo.phase.to_string()),
        bound(&slo.threshold),
        slo.pooled_text().unwrap_or_else(|| "–".to_owned()),
        shown_or_dash(worst.map(|run| run.value)),
        slo.margin(),
        worst.map_or_else(|| "–".to_owned(), |run| run.seed.to_string()),
        escape(&Share::wilson(slo.answers.fail, slo.answers.pass + slo.answers.fail).sentence()),
        Value::Count(slo.allow),
        Summary::delivered_text(slo.delivered, slo.owed)
    )
}

fn lines(title: &str, all: &[String]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = all
        .iter()
        .take(LINES)
        .map(|line| escape(&short(line)))
        .collect();
    let more = match all.len().saturating_sub(LINES) {
        0 => String::new(),
        _ => format!("\nshowing {LINES} of {} lines", all.len()),
    };
    format!(
        "<div class=\"muted\">{title}</div><pre class=\"lines\">{}{more}</pre>\n",
        shown.join("\n")
    )
}

/// What the page is and is not.
pub fn footer(summary: &Summary) -> String {
    format!(
        "<footer><p>All times are virtual and simulated; latencies are {}. Shares are of seeds \
         under this fault mix and are no probability of loss in production. The figures of this \
         page stand in it as JSON ({}).</p></footer>\n",
        escape(&summary.stamp()),
        escape(&summary.schema)
    )
}
