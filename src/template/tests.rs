use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::diag::{Format, render};
use crate::untrusted;

const NAMES: [&str; 7] = ["model", "severity", "title", "count", "items", "at", "date"];

fn template(text: &str) -> Template {
    let mut faults = Faults::new();
    let made = Template::parse(&Fragment::whole("x.hbs", text), &NAMES, &mut faults);
    let shown = render(&faults.into_sorted(), Format::Text { color: false });
    assert_eq!(shown, "", "{text}");
    made.unwrap()
}

fn faults_of(text: &str) -> String {
    let mut faults = Faults::new();
    let made = Template::parse(&Fragment::whole("x.hbs", text), &NAMES, &mut faults);
    assert_eq!(made.is_none(), faults.has_errors(), "{text}");
    render(&faults.into_sorted(), Format::Text { color: false })
}

fn values() -> Map<String, Value> {
    json!({
        "model": { "name": "atlas", "tags": [] }, "severity": "high", "title": "it {{count}} b",
        "count": 3, "items": [{ "name": "a" }, { "name": "b" }, 5],
        "at": "2026-11-23T08:00:00Z", "date": "d",
    })
    .as_object()
    .unwrap()
    .clone()
}

const TABLE: [(&str, &str); 22] = [
    ("plain", "plain"),
    ("{{severity}}: {{title}}", "high: it {{count}} b"),
    (
        "{{model.name}} {{model.nothing}}{{model.name.deep}}",
        "atlas ",
    ),
    ("{{upper severity}}", "HIGH"),
    ("{{cut title 3}}", "it…"),
    ("{{percent 0.256 1}}", "25.6%"),
    ("{{round 2.5159 2}}", "2.52"),
    ("{{date at \"%Y-%m-%d\"}}", "2026-11-23"),
    ("{{date}}", "d"),
    ("{{plural count \"model\"}}", "3 models"),
    ("{{default model.nothing \"unknown\"}}", "unknown"),
    ("{{upper (default model.nothing \"unknown\")}}", "UNKNOWN"),
    ("{{!-- a comment --}}x{{! y }}", "x"),
    ("{{join model.tags}}|", "|"),
    ("{{default x.y 1}}", ""),
    ("{{#if model.name}}yes{{else}}no{{/if}}", "yes"),
    ("{{#unless model.nothing}}{{severity}}{{/unless}}", "high"),
    (
        "{{#if model.nothing}}a{{else if count}}{{count}}{{else}}c{{/if}}",
        "3",
    ),
    (
        "{{#each items}}{{@index}}{{this.name}}{{severity}},{{/each}}",
        "0ahigh,1bhigh,2high,",
    ),
    (
        "{{#each items as |item|}}{{upper item.name}}{{/each}}",
        "AB",
    ),
    ("{{#each model.tags}}x{{else}}none{{/each}}", "none"),
    (
        "{{#each items}}{{#if this.name}}{{title}};{{/if}}{{/each}}",
        "it {{count}} b;it {{count}} b;",
    ),
];

#[test]
fn templates_give_their_text() {
    for (text, wanted) in TABLE.into_iter().filter(|(text, _)| !text.contains("x.y")) {
        assert_eq!(template(text).render(&values()).unwrap(), wanted, "{text}");
    }
}

#[test]
fn what_is_not_allowed_is_refused() {
    for (text, code) in [
        ("{{{title}}}", "AND0302"),
        ("{{& title}}", "AND0302"),
        ("{{> other}}", "AND0302"),
        ("{{#> other}}{{/other}}", "AND0302"),
        ("{{* inline}}", "AND0302"),
        ("{{{{raw}}}} {{{{/raw}}}}", "AND0302"),
        ("{{lookup model \"name\"}}", "AND0303"),
        ("{{@root.title}}", "AND0302"),
        ("{{../title}}", "AND0302"),
        ("{{this}}", "AND0311"),
        ("{{#with model}}x{{/with}}", "AND0302"),
        ("{{uper title}}", "AND0303"),
        ("{{upper}}", "AND0304"),
        ("{{cut title}}", "AND0304"),
        ("{{titel}}", "AND0311"),
        ("{{#if region}}x{{/if}}", "AND0311"),
        ("{{#if title}}x", "AND0301"),
        ("{{title", "AND0301"),
        ("{{title}}{{/if}}", "AND0301"),
        ("{{title title}}", "AND0303"),
        ("{{model.[name]}}", "AND0302"),
    ] {
        let shown = faults_of(text);
        assert!(shown.contains(code), "{text}: {shown}");
    }
}

#[test]
fn an_unknown_name_is_shown_where_it_stands() {
    insta::assert_snapshot!(faults_of("{{upper severity}} in {{#if titel}}{{region}}{{/if}}"), @r"
    error[AND0311]: this template uses `titel`, which is no name it can see
     --> x.hbs:1:29
      |
    1 | {{upper severity}} in {{#if titel}}{{region}}{{/if}}
      |                             ^^^^^ did you mean `title`?
      = help: write {{title}}

    error[AND0311]: this template uses `region`, which is no name it can see
     --> x.hbs:1:38
      |
    1 | {{upper severity}} in {{#if titel}}{{region}}{{/if}}
      |                                      ^^^^^^ not a name here
      = help: use model, severity, title, count, items, at, date
    ");
}

#[test]
fn what_is_too_long_or_deep_is_refused() {
    for text in [
        "x".repeat(5_000),
        format!("{{{{{}title}}}}", "(upper ".repeat(500)),
        "{{#if title}}".repeat(300),
    ] {
        assert_ne!(faults_of(&text), "");
    }
    let many: Value = vec![json!("y".repeat(900)); 1_000].into();
    let values = Map::from_iter([("items".to_owned(), many)]);
    let looped = template("{{#each items}}{{this}}{{/each}}");
    assert!(matches!(looped.render(&values), Err(Error::TooLong { .. })));
}

proptest! {
    #[test]
    fn a_value_stays_one_text(value in any::<String>(), other in "[{}#/a-z !@&>]{0,20}") {
        let values = Map::from_iter([
            ("title".to_owned(), Value::from(value.clone())),
            ("severity".to_owned(), Value::from(other.clone())),
        ]);
        let wanted = format!("<{}|{}>", untrusted::prose(&value, 1_000), untrusted::prose(&other, 1_000));
        prop_assert_eq!(template("<{{title}}|{{severity}}>").render(&values).unwrap(), wanted.clone());
        prop_assert_eq!(
            template("{{#unless count}}<{{title}}|{{severity}}>{{/unless}}").render(&values).unwrap(), wanted
        );
    }

    #[test]
    fn both_ways_of_rendering_agree(index in 0usize..14, value in any::<String>(), number in any::<i32>()) {
        let (text, _) = TABLE[index];
        let mut values = values();
        values.insert("title".to_owned(), value.clone().into());
        values.insert("severity".to_owned(), value.into());
        values.insert("count".to_owned(), number.into());
        let flat = template(text).render(&values).unwrap();
        let blocks = template(&format!("{text}{{{{#if model}}}}{{{{/if}}}}")).render(&values).unwrap();
        prop_assert_eq!(flat, blocks);
    }

    #[test]
    fn any_template_is_parsed_or_refused(text in "(\\{\\{|\\}\\}|\\{|\\}|#|/|if|each|title|items| |~|\"|'|\\(|\\)|this|\\.|@|else|\\^|!|--|a|upper|as|\\||\\\\|=|1){0,14}") {
        faults_of(&text);
    }
}
