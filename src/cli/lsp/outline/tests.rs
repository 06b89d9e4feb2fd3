use proptest::prelude::*;

use super::*;

/// The tree as one line: `{key: value}`, `[item]`, texts as they stand, `_` for nothing.
fn told(value: &Value, text: &str) -> String {
    match &value.held {
        Held::Nothing => "_".to_owned(),
        Held::Text => text[value.span.start..value.span.end].trim().to_owned(),
        Held::List(items) => {
            let items: Vec<String> = items.iter().map(|item| told(item, text)).collect();
            format!("[{}]", items.join(", "))
        }
        Held::Map(entries) => {
            let one = |entry: &Entry| {
                let colon = if entry.has_colon { ": " } else { "?" };
                let value = if entry.has_colon {
                    told(&entry.value, text)
                } else {
                    String::new()
                };
                format!("{}{colon}{value}", entry.key)
            };
            let entries: Vec<String> = entries.iter().map(one).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[test]
fn whole_and_half_files_have_an_outline() {
    for (text, outline) in [
        ("a: b\nc:\n  d: e # why\n", "{a: b, c: {d: e}}"),
        ("a:\n- b\n- c: d\n  e: f\n", "{a: [b, {c: d, e: f}]}"),
        ("a:\n  - - b\n  -\n    c: d\n", "{a: [[b], {c: d}]}"),
        (
            "a: { b: c, \"d\": [e, {f: g}] }\n",
            "{a: {b: c, d: [e, {f: g}]}}",
        ),
        ("a: {\n  b: c,\n}\nd: e\n", "{a: {b: c}, d: e}"),
        ("a: |\n  b: c\n  d\ne: f\n", "{a: |\n  b: c\n  d, e: f}"),
        // Half of a line, and what stands below it is still found.
        ("a:\n  b: c\n  sev\nd: e\n", "{a: {b: c, sev?}, d: e}"),
        ("a: { b: =x.y, c\nd: e\n", "{a: {b: =x.y, c?}, d: e}"),
        ("a: \"b == 'c\nd: e\n", "{a: \"b == 'c, d: e}"),
        ("a: [b, \nc: d\n", "{a: [b, _], c: d}"),
        ("a: []\nc: [b]\n", "{a: [_], c: [b]}"),
        ("a:\n    b: c\n  d: e\nf: g\n", "{a: {b: c, d: e}, f: g}"),
        ("{ \"a\": { \"b\": [1, 2] } }", "{a: {b: [1, 2]}}"),
        ("- a: b\nc: d\n", "{c: d}"),
        ("", "{}"),
    ] {
        assert_eq!(told(&Value::of(text, None), text), outline, "{text}");
    }
}

#[test]
fn a_blank_line_with_the_cursor_belongs_to_the_map_it_stands_in() {
    let text = "a:\n  b: c\n  \nd: e\n";
    assert_eq!(
        told(&Value::of(text, Some(12)), text),
        "{a: {b: c, ?}, d: e}"
    );
    assert_eq!(told(&Value::of(text, None), text), "{a: {b: c}, d: e}");
}

proptest! {
    #[test]
    fn every_text_has_an_outline_within_it(text in "[ab:\\-{}\\[\\],\"'#|=\u{e9} \n\t]{0,80}", cursor in 0_usize..90) {
        let cursor = Some(cursor).filter(|at| text.is_char_boundary(*at));
        let mut open = vec![Value::of(&text, cursor)];
        while let Some(value) = open.pop() {
            prop_assert!(text.get(value.span.start..value.span.end).is_some());
            match value.held {
                Held::List(items) => open.extend(items),
                Held::Map(entries) => {
                    for entry in entries {
                        prop_assert!(text.get(entry.key_span.start..entry.key_span.end).is_some());
                        open.push(entry.value);
                    }
                }
                Held::Nothing | Held::Text => {}
            }
        }
    }

    #[test]
    fn depth_is_bounded(marks in "[\\[{\\-]{0,4000}") {
        Value::of(&marks.replace('-', "- "), None);
    }
}
