//! Actions: what each part names, in which order, and what is said to what is none.

use std::fmt::Write as _;

use super::super::StepAnswer;
use super::{faults, read, when};

/// An action, every part of which can be replaced.
fn action(replaced: &[(&str, &str)]) -> String {
    let parts = [
        ("about", "Stops a model."),
        ("takes", "{ model: { is: text } }"),
        ("let", "{ title: =upper(model) }"),
        (
            "before",
            "[ { get: \"/m/{model}\", keep: { state: =body.state } } ]",
        ),
        ("already", "state == \"stopped\""),
        (
            "do",
            "[ { post: \"/m/{model}/stop\", keep: { job: =body.job } } ]",
        ),
        (
            "prove",
            "{ state: { get: \"/m/{model}\", until: body.state == \"stopped\" } }",
        ),
        ("ours", "body.state == \"stopped\""),
        (
            "undo",
            "[ { post: \"/m/{model}/start\", body: { job: =job, was: =state } } ]",
        ),
    ];
    let mut text = "actions:\n  stop:\n".to_owned();
    for (key, usual) in parts {
        let value = replaced.iter().find(|(known, _)| *known == key);
        let value = value.map_or(usual, |(_, value)| *value);
        if !value.is_empty() {
            let _ = writeln!(text, "    {key}: {value}");
        }
    }
    for (key, value) in replaced {
        if !parts.iter().any(|(known, _)| known == key) {
            let _ = writeln!(text, "    {key}: {value}");
        }
    }
    text
}

#[test]
fn an_action_is_read_in_the_order_in_which_it_runs() {
    let connector = read(&action(&[])).unwrap();
    let action = connector.action("stop").unwrap();
    let kept: Vec<&str> = action
        .kept_before()
        .map(|kept| kept.name.as_str())
        .collect();
    assert_eq!(kept, ["state"]);
    let names: Vec<&str> = action.names.all().skip(6).collect();
    assert_eq!(names, ["model", "title", "state", "job"]);
    assert!(action.limits.reversible, "it has `undo`");
}

#[test]
fn the_parts_of_an_action_name_what_is_known_by_then_and_nothing_else() {
    for (part, value, said) in [
        (
            "before",
            "[ { get: \"/m/{state}\" } ]",
            "AND0811 nothing named `state` can stand in this path\nAND0202 nothing here is called `state`\nAND0202 nothing here is called `state`",
        ),
        (
            "before",
            "{ get: /m }",
            "AND0113 `before` is a list, and this is a map\nAND0202 nothing here is called `state`\nAND0202 nothing here is called `state`",
        ),
        (
            "already",
            "job == 1",
            "AND0202 nothing here is called `job`",
        ),
        (
            "do",
            "[ { post: /stop, body: { was: =body.state } } ]",
            "AND0202 nothing here is called `body`\nAND0202 nothing here is called `job`",
        ),
        (
            "do",
            "[ { post: /stop, keep: =body.job } ]",
            "AND0113 `keep` is a map of names and values, and this is `=body.job`\nAND0202 nothing here is called `job`",
        ),
        (
            "do",
            "",
            "AND0112 an action needs the key `do`\nAND0202 nothing here is called `job`",
        ),
        ("prove", "", "AND0112 an action needs the key `prove`"),
        ("prove", "{ }", "AND0452 this proves nothing"),
        (
            "prove",
            "{ state: { get: /m } }",
            "AND0452 this read proves nothing",
        ),
        (
            "prove",
            "{ state: { get: /m, until: status == 200, within: soon } }",
            "AND0113 `within` is a span of time, and this is `soon`",
        ),
        (
            "prove",
            "{ state: { get: /m, until: status == 200, every: 5s } }",
            "AND0111 a step has no key `every`",
        ),
        (
            "prove",
            "{ behaviour: { get: /m, holds: status == 404, times: many } }",
            "AND0113 `times` is a whole number, and this is `many`",
        ),
        (
            "prove",
            "{ behaviour: { get: /m, holds: status == 404, share: 90 } }",
            "AND0113 `share` is a part of the probes, from 0 to 1",
        ),
        (
            "ours",
            "",
            "AND0455 an action that is undone says how to tell that nobody changed it since",
        ),
        (
            "ours",
            "{ get: /m }",
            "AND0452 this does not say what is ours",
        ),
        (
            "undo",
            "[ { post: /start, body: { was: =gone } } ]",
            "AND0202 nothing here is called `gone`",
        ),
        (
            "takes",
            "[ model ]",
            "AND0113 `takes` is a map of names and values, and this is a list\nAND0202 nothing here is called `model`\nAND0811 nothing named `model` can stand in this path\nAND0811 nothing named `model` can stand in this path\nAND0811 nothing named `model` can stand in this path\nAND0811 nothing named `model` can stand in this path",
        ),
        (
            "takes",
            "{ body: { is: text } }",
            "AND0129 an argument cannot be called `body`\nAND0202 nothing here is called `model`\nAND0811 nothing named `model` can stand in this path\nAND0811 nothing named `model` can stand in this path\nAND0811 nothing named `model` can stand in this path\nAND0811 nothing named `model` can stand in this path",
        ),
        (
            "let",
            "{ model: =1 }",
            "AND0129 `model` cannot be a name made here",
        ),
        (
            "limits",
            "{ reversible: perhaps }",
            "AND0113 `reversible` is true or false, and this is `perhaps`",
        ),
        (
            "echo",
            "{ signal: gone }",
            "AND0113 `echo` is a list, and this is a map",
        ),
        (
            "echo",
            "[ { signal: gone, when: true } ]",
            "AND0454 this connector has no signal `gone`",
        ),
        ("risk", "huge", "AND0126 a risk is not `huge`"),
    ] {
        let found = faults(&action(&[(part, value)]));
        let mut found: Vec<&str> = found.lines().collect();
        let mut wanted: Vec<&str> = said.lines().collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{part}: {value}");
    }
}

#[test]
fn the_answers_of_a_step_are_read_in_their_order() {
    let told = |rules: &[StepAnswer]| -> Vec<String> {
        rules
            .iter()
            .map(|rule| format!("{} if {}", rule.verdict.as_str(), when(rule.when.as_ref())))
            .collect()
    };
    let step = |answers: &str| {
        let before =
            format!("[ {{ get: /m, answers: {answers}, keep: {{ state: =body.state }} }} ]");
        read(&action(&[("before", &before)]))
    };
    let sound = step(
        "[ { done: status == 200 }, { already_done: status == 304 }, { none: status == 404 }, { wait: status == 425 }, { stale: status == 409 }, { unknown: status >= 500 }, { refused: otherwise } ]",
    )
    .unwrap();
    assert_eq!(
        told(&sound.action("stop").unwrap().before[0].answers),
        [
            "done if status == 200",
            "already_done if status == 304",
            "none if status == 404",
            "wait if status == 425",
            "stale if status == 409",
            "unknown if status >= 500",
            "refused if otherwise",
        ]
    );
    for (answers, said) in [
        (
            "{ done: otherwise }",
            "AND0113 `answers` is a list of cases, and this is a map",
        ),
        (
            "[ { done: otherwise }, { refused: status == 400 } ]",
            "AND0127 what stands below `otherwise` is never reached",
        ),
        (
            "[ { done: status == 200, none: status == 404 } ]",
            "AND0440 each line has one verdict and its condition",
        ),
        (
            "[ { delivered: otherwise } ]",
            "AND0440 an answer cannot be `delivered`",
        ),
    ] {
        let found = step(answers).map_or_else(|faults| faults, |_| "sound".to_owned());
        assert_eq!(found.lines().next(), Some(said), "{answers}");
    }
}
