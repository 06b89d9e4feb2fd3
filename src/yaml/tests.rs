use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::diag::{Faults, Format, Source, render};

fn read(text: &str) -> (Option<Node>, String) {
    let source = Source::new("x.yaml", text);
    let mut faults = Faults::new();
    let node = parse(&source, &mut faults);
    (
        node,
        render(&faults.into_sorted(), Format::Text { color: false }),
    )
}

fn faults_of(text: &str) -> String {
    read(text).1
}

fn codes_of(text: &str) -> Vec<&'static str> {
    let source = Source::new("x.yaml", text);
    let mut faults = Faults::new();
    parse(&source, &mut faults);
    faults
        .into_sorted()
        .iter()
        .map(|fault| fault.code.0)
        .collect()
}

fn json_of(text: &str) -> serde_json::Value {
    let (node, faults) = read(text);
    assert_eq!(faults, "", "{text}");
    node.unwrap().to_json()
}

#[test]
fn block_and_flow_give_the_same_tree() {
    let block = json_of("a:\n  b: 1\n  c:\n  - x\n  - z: true\nd:\n");
    let flow = json_of("{ a: { b: 1, c: [x, { z: true }] }, d: null }");
    assert_eq!(block, flow);
}

#[test]
fn what_other_readers_take_for_numbers_or_truth_stays_text() {
    assert_eq!(
        json_of("a: no\nb: 1.10\nc: 0755\nd: '5'\ne: 5\nf: 2026-11-23\ng: 0x1f\nh: ~\n"),
        serde_json::json!({
            "a": "no", "b": 1.1, "c": "0755", "d": "5", "e": 5, "f": "2026-11-23", "g": "0x1f", "h": null,
        })
    );
}

#[test]
fn the_place_of_a_text_is_exact_or_not_claimed() {
    for (text, begins) in [
        ("a: =x.y", Some(3)),
        ("é: =x.y", Some(4)),
        ("a: 'b c'", Some(4)),
        ("a: 'it''s'", None),
        ("a: \"b c\"", Some(4)),
        ("a: \"b\\n\"", None),
        ("a: |\n  one\n", Some(7)),
        ("a: |-\n  é one\n", Some(8)),
        ("a: |\n  one\n  two\n", None),
        ("a: >\n  one\n  two\n", None),
        ("a: one\n  two\n", None),
    ] {
        let (node, _) = read(text);
        let node = node.unwrap();
        let scalar = node.as_map().unwrap()[0].value.as_scalar().unwrap();
        assert_eq!(scalar.begins, begins, "{text:?} {scalar:?}");
    }
}

#[test]
fn each_fault_has_its_code() {
    for (text, codes) in [
        ("a:\n\tb: 1\n", vec!["AND0102"]),
        ("\ta: 1\n", vec!["AND0102"]),
        ("a: |\n  x\n  \ty\n", vec![]),
        ("a: &x 1\nb: *x\n", vec!["AND0103", "AND0104"]),
        ("b: *x\n", vec!["AND0104"]),
        ("a: 1\n<<: { b: 2 }\n", vec!["AND0105"]),
        ("a: { $ref: x }\n", vec!["AND0105"]),
        ("when: !signal.ok\n", vec!["AND0106"]),
        ("when: !signal.ok && signal.x\n", vec!["AND0106"]),
        ("a: !!str 5\n", vec!["AND0106"]),
        ("title: Loss: {{run}}\n", vec!["AND0122"]),
        ("a: 1\na: 2\n", vec!["AND0108"]),
        ("{a: 1, a: 2}\n", vec!["AND0108"]),
        ("5: a\n", vec!["AND0109"]),
        ("[a]: b\n", vec!["AND0109"]),
        ("? {a: b}\n: c\n", vec!["AND0109"]),
        (": b\n", vec!["AND0109"]),
        ("true: b\n", vec!["AND0109"]),
        ("text\n", vec!["AND0110"]),
        ("", vec!["AND0110"]),
        ("# only this\n", vec!["AND0110"]),
        ("on: b\n", vec!["AND0114"]),
        ("a: { n: b }\n", vec!["AND0114"]),
        ("a: 1\n---\nb: 1\n", vec!["AND0115"]),
        ("---\na: 1\n", vec![]),
        ("a: { b: =cut(s.x, 20) }\n", vec!["AND0118"]),
        ("a: { b, c: 1 }\n", vec!["AND0117"]),
        ("a: { b: , c: 1 }\n", vec!["AND0117"]),
        ("a: { b: null, c: ~ }\n", vec![]),
        ("a: [=cut(s.x, 20), b]\n", vec!["AND0118"]),
        ("a: { b: =x[0] }\n", vec!["AND0118"]),
        ("a: { b: =x ? 1 : 2 }\n", vec!["AND0118"]),
        ("a: { b: \"=cut(s.x, 20)\", c: '=x[0]' }\n", vec![]),
        ("when: a # b\n", vec!["AND0119"]),
        ("when: a == \"x  # b\"\n", vec!["AND0119"]),
        ("when: a   # b\n", vec![]),
        ("at: 5 # b\n", vec![]),
        ("title: {{model}} is down\n", vec!["AND0120"]),
        ("title: {{model}}\n", vec!["AND0120"]),
        ("\u{feff}a: 1\n", vec!["AND0121"]),
        ("a: b\0c\n", vec!["AND0121"]),
        ("a: \"b\n", vec!["AND0101"]),
        ("a: [b\n", vec!["AND0101"]),
        ("a: \"b\" in c\n", vec!["AND0101"]),
        ("a: @b\n", vec!["AND0101"]),
        ("%YAML 1.2\n---\na: 1\n", vec!["AND0101"]),
    ] {
        assert_eq!(codes_of(text), codes, "{text:?}\n{}", faults_of(text));
    }
}

#[test]
fn a_dash_without_a_blank_is_told_on_its_own_line_and_once() {
    for (text, at) in [
        ("a:\n  -high: b\n  - low: c\nd: 1\n", "2:3"),
        ("a:\n  - high: b\n  -low: c\nd: 1\n", "3:3"),
        ("a:\n  -high: b\nd: 1\n", "2:3"),
        ("a:\n  -it: b\n   signal: {}\n", "2:3"),
        ("a:\n  -to:\n      - b\n  # why\n\n  - to: c\n", "2:3"),
        ("a:\n  -=b\n  - =c\n", "2:3"),
        ("a:\n  - =b\n  -=c\n", "3:3"),
        ("a:\n  - -b: 1\n", "2:5"),
        ("-a: 1\n", "1:1"),
    ] {
        let said = faults_of(text);
        assert!(
            said.contains(&format!("--> x.yaml:{at}\n")) && said.contains("help: write `- "),
            "{text:?}\n{said}"
        );
        assert_eq!(codes_of(text), ["AND0101"], "{said}");
    }
    for text in [
        "a: -b\n",
        "a:\n  -5\nb: -.5\n",
        "a: |\n  -b\n  -c: d\n",
        "a: >\n  b\n  -c\n",
        "a: { -b: 1,\n  -c: 2 }\n",
        "a: \"b\n  -c\"\n",
        "\"-a\": 1\n",
    ] {
        assert_eq!(faults_of(text), "", "{text:?}");
    }
    let other = faults_of("a: |\n  -b\nc: \"d\n");
    assert!(other.contains("has no end"), "{other}");
}

#[test]
fn one_run_finds_faults_on_both_sides_of_a_broken_line() {
    insta::assert_snapshot!(
        faults_of("a: 1\na: 2\ntitle: Loss: {{run}}\nwhen: !x.y\nname: {{m}} is down\non: 1\n"), @r#"
    error[AND0108]: the key `a` stands twice in this map
     --> x.yaml:2:1
      |
    2 | a: 2
      | ^ first on line 1, column 1
      = help: remove one of them, on line 1 or here

    error[AND0122]: a colon and a blank make a key of what stands before them
     --> x.yaml:3:12
      |
    3 | title: Loss: {{run}}
      |            ^ this text needs quotes
      = help: write title: "Loss: {{run}}"

    error[AND0106]: YAML reads a tag
     --> x.yaml:4:7
      |
    4 | when: !x.y
      |       ^^^^ `!x.y` is not read as text
      = help: write `x.y == false`, or quote it: "!x.y"

    error[AND0120]: YAML reads `{{` as the start of a map
     --> x.yaml:5:7
      |
    5 | name: {{m}} is down
      |       ^^ a text that begins with `{{` stands in quotes
      = help: write name: "{{m}} is down"

    error[AND0114]: `on` is no name: other readers of YAML take it for a truth value
     --> x.yaml:6:1
      |
    6 | on: 1
      | ^^
      = help: choose another name, or write "on": …
    "#);
}

#[test]
fn traps_are_named() {
    insta::assert_snapshot!(faults_of("when: !signal.ok\n"), @r#"
    error[AND0106]: YAML reads a tag
     --> x.yaml:1:7
      |
    1 | when: !signal.ok
      |       ^^^^^^^^^^ `!signal.ok` is not read as text
      = help: write `signal.ok == false`, or quote it: "!signal.ok"
    "#);
    insta::assert_snapshot!(faults_of("title: Loss: {{run}}\n"), @r#"
    error[AND0122]: a colon and a blank make a key of what stands before them
     --> x.yaml:1:12
      |
    1 | title: Loss: {{run}}
      |            ^ this text needs quotes
      = help: write title: "Loss: {{run}}"
    "#);
    insta::assert_snapshot!(faults_of("title: {{model}} is down\n"), @r#"
    error[AND0120]: YAML reads `{{` as the start of a map
     --> x.yaml:1:8
      |
    1 | title: {{model}} is down
      |        ^^ a text that begins with `{{` stands in quotes
      = help: write title: "{{model}} is down"
    "#);
    insta::assert_snapshot!(faults_of("when: a # b\n"), @r#"
    warning[AND0119]: a comment begins here, and the value ends before it
     --> x.yaml:1:9
      |
    1 | when: a # b
      |         ^ ` #` begins a comment
      = help: write "a # b" when it belongs to the value, or two blanks before a comment
    "#);
    insta::assert_snapshot!(faults_of("with: { a: =cut(s.x, 20) }\n"), @r#"
    error[AND0118]: YAML ends this value here, and a bracket in it stays open
     --> x.yaml:1:12
      |
    1 | with: { a: =cut(s.x, 20) }
      |            ^^^^^^^^ inside `{…}` or `[…]` a comma ends a value
      = help: write a: "=cut(s.x, 20)"
    "#);
    insta::assert_snapshot!(faults_of("\tandon: mapping/v1\n"), @r"
    error[AND0102]: a tab cannot indent
     --> x.yaml:1:1
      |
    1 |     andon: mapping/v1
      | ^^^^ a tab
      = help: write two blanks for each level
    ");
    insta::assert_snapshot!(faults_of("with: { a: =x[0] }\n"), @r#"
    error[AND0118]: inside `{…}` or `[…]` an expression with a bracket, brace, comma or `?` stands in quotes
     --> x.yaml:1:12
      |
    1 | with: { a: =x[0] }
      |            ^^^^^ YAML cuts it
      = help: write "=x[0]"
    "#);
    insta::assert_snapshot!(faults_of("a: 1\nb: 2\na: 3\n"), @r"
    error[AND0108]: the key `a` stands twice in this map
     --> x.yaml:3:1
      |
    3 | a: 3
      | ^ first on line 1, column 1
      = help: remove one of them, on line 1 or here
    ");
}

#[test]
fn a_file_that_is_too_large_or_too_deep_is_refused() {
    let large = format!("a: {}\n", "x".repeat(256 * 1024));
    assert_eq!(codes_of(&large), ["AND0116"]);
    for deep in [
        format!("{}x", "- ".repeat(40)),
        format!("a: {}{}", "[".repeat(40), "]".repeat(40)),
        format!("a: {}{}", "[".repeat(4_000), "]".repeat(4_000)),
        "- ".repeat(100_000),
    ] {
        assert!(codes_of(&deep).contains(&"AND0116"), "{}", deep.len());
    }
}

#[test]
fn a_hostile_file_is_read_in_bounded_time() {
    for text in [
        "a: b: ".repeat(40_000),
        "? ".repeat(100_000),
        "a: !x\n".repeat(40_000),
        "- {{\n".repeat(40_000),
        "{".repeat(200_000),
        "\"".repeat(200_000),
        "a\n".repeat(100_000),
        "a:\n".repeat(80_000),
        "[a: b, ".repeat(30_000),
        "\t- x: *y\n".repeat(20_000),
    ] {
        let source = Source::new("x", text);
        parse(&source, &mut Faults::new());
    }
}

fn check_spans(node: &Node, within: crate::diag::Span, source: &Arc<Source>) {
    let text = &source.text;
    let span = node.span;
    assert!(span.start <= span.end && span.end <= text.len());
    assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
    assert!(
        within.start <= span.start && span.end <= within.end,
        "{within:?} {span:?} {text:?}"
    );
    match &node.kind {
        Kind::Null => {}
        Kind::Scalar(scalar) => {
            if let Some(begins) = scalar.begins {
                assert_eq!(&text[begins..begins + scalar.text.len()], scalar.text);
            }
        }
        Kind::List(items) => items
            .iter()
            .for_each(|item| check_spans(item, span, source)),
        Kind::Map(entries) => {
            for entry in entries {
                assert!(
                    text.is_char_boundary(entry.key_span.start)
                        && text.is_char_boundary(entry.key_span.end)
                );
                assert!(entry.key_span.end <= text.len());
                check_spans(&entry.value, span, source);
            }
        }
    }
}

fn holds(text: &str) {
    let source = Source::new("x.yaml", text);
    let mut faults = Faults::new();
    let node = parse(&source, &mut faults);
    if let Some(node) = &node {
        check_spans(node, crate::diag::Span::new(0, text.len()), &source);
    } else {
        assert!(faults.has_errors(), "no tree and no fault: {text:?}");
    }
    for fault in faults.into_sorted() {
        let span = fault.place.span;
        assert!(
            span.end <= text.len()
                && text.is_char_boundary(span.start)
                && text.is_char_boundary(span.end),
            "{fault:?}"
        );
        assert!(fault.help.is_some(), "{fault:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_parses_or_has_a_fault(text in any::<String>()) {
        holds(&text);
    }

    #[test]
    fn anything_like_yaml_parses_or_has_a_fault(
        text in "([ \t]{0,3}|- |\\? |: |a|b: |é|\\{|\\}|\\[|\\]|, |\"|'|\\||>|#|&x |\\*x|!t |\n|\r\n|\n  |\n    |---\n|\\.\\.\\.|%|\\\\|=|<<: |\\(|\\)|on: |\u{85}|\u{2028}|~){0,40}",
    ) {
        holds(&text);
    }

    #[test]
    fn a_plain_map_reads_back(values in prop::collection::vec("[a-zé€ .=(]{0,12}", 1..6)) {
        let text: String = values.iter().enumerate().fold(String::new(), |text, (index, value)| {
            format!("{text}key{index}: {}\n", places::quoted(value))
        });
        let (node, faults) = read(&text);
        prop_assert_eq!(faults, "");
        for (index, value) in values.iter().enumerate() {
            let node = node.as_ref().unwrap().get(&format!("key{index}")).unwrap();
            prop_assert_eq!(node.as_text(), Some(value.as_str()));
            prop_assert!(node.as_scalar().unwrap().begins.is_some());
        }
    }
}
