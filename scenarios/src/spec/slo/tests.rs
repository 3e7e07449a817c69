use super::*;

#[test]
fn every_form_is_read_and_printed_back() {
    for text in [
        "p99(end-to-end) < 250ms during steady",
        "p99.9(publish) < 1s of delivered",
        "p50(publish) <= 2ms during faults",
        "max(end-to-end) < 5s during 'isolated leader'",
        "recovery < 10s",
        "shed = 0",
        "retries < 1000",
        "lost = 0",
        "duplicates <= 12 during calm",
        "goodput > 0.95 during faults",
        "goodput >= 1 during the run",
        "goodput > 0.5 during recovery",
        "backlog < 100000",
        "late < 0.1%",
        "late <= 12 during faults",
        "late <= 40% during calm",
        "backlog <= 12 during drain",
        "recovery < 10s during 'isolated leader'",
    ] {
        let slo = parse(text).unwrap();
        assert_eq!(slo.to_string(), text);
    }
    assert_eq!(parse("goodput > 95%").unwrap().bound, Bound::Share(950_000));
    assert_eq!(parse("backlog < 1e5").unwrap().bound, Bound::Count(100_000));
    assert_eq!(
        parse("goodput > 9.5e1%").unwrap().bound,
        Bound::Share(950_000)
    );
    assert_eq!(
        parse("p99.9(publish)<1s").unwrap().metric,
        Metric::Quantile {
            parts: 999_000,
            series: Series::Publish
        }
    );
}

#[test]
fn a_mistake_is_pointed_at_inside_the_expression() {
    for (text, at, message, hint) in [
        ("", "", "begins with what is measured", "metrics known here"),
        (
            "p99(end-to-edn) < 1s",
            "end-to-edn",
            "unknown series",
            "`end-to-end`",
        ),
        ("p100(publish) < 1s", "p100", "no quantile", "max("),
        ("recovry < 1s", "recovry", "unknown metric", "`recovery`"),
        ("p99 < 1s", "<", "needs its series", "p99(end-to-end)"),
        ("p99(publish < 1s", "<", "not closed", "(publish)"),
        ("lost 0", "0", "expected a comparison", "<="),
        ("lost = few", "few", "a number of events", "0"),
        ("goodput > 1.5", "1.5", "share", "0.95"),
        ("p99(publish) < 250", "250", "needs a unit", "250ms"),
        (
            "recovery < 1s during stedy",
            "stedy",
            "unknown phase",
            "`steady`",
        ),
        (
            "recovery < 1s during 'x",
            "'x",
            "not closed",
            "single quotes",
        ),
        ("recovery < 1s always", "always", "not expected", "during"),
        (
            "lost = 0 of delivered",
            "of delivered",
            "belongs to a latency",
            "remove",
        ),
        ("late < 1.5", "1.5", "a percentage or a number", "0.1%"),
        ("late < 101%", "101%", "a percentage or a number", "0.1%"),
        (
            "late = 0 during drain",
            "drain",
            "nothing is due",
            "backlog",
        ),
        ("backlog < 1.5", "1.5", "a number of events", "1e5"),
        ("goodput > 2e2%", "2e2%", "share", "95%"),
        (
            "recovery < 1s during calm",
            "calm",
            "lies in no phase",
            "planned fault",
        ),
        (
            "goodput > 1% during drain",
            "drain",
            "nothing is due",
            "backlog",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.message.contains(message), "{text}: {error:?}");
        assert!(error.hint.contains(hint), "{text}: {error:?}");
        assert_eq!(
            &text[error.span.start..error.span.end.min(text.len())],
            at,
            "{text}"
        );
    }
}
