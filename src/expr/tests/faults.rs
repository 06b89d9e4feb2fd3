//! What the check says: code, what is underlined, sentence, label, help.

use std::fmt::Write as _;

use serde_json::json;

use super::super::{Names, Type};
use super::compiled;

pub(super) fn names() -> Names {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "required": ["category", "score", "tags", "note"],
        "properties": {
            "category": {"type": "string"}, "score": {"type": "number"},
            "value": {"type": "number"}, "note": {"type": ["string", "null"]},
            "who": {"type": "object", "properties": {"name": {"type": "string"}}},
            "tags": {"type": "array", "items": {"type": "object", "required": ["key"],
                "properties": {"key": {"type": "string"}, "value": {"type": "string"}}}}
        }
    });
    Names::new()
        .with("signal", Type::from_schema(&schema, "mlflow/alias-created"))
        .with("now", Type::Time)
        .with("body", Type::Any)
}

#[test]
fn sound_expressions_have_no_faults() {
    for text in [
        "signal.category == \"x\" && signal.score >= 0.8",
        "has(signal.value) && signal.value > 1",
        "!has(signal.value) || signal.value > 1",
        "has(signal.value) ? signal.value : 0",
        "signal.?value != null && signal.value > 1",
        "signal.?value == null || signal.value > 1",
        "has(signal.who) && has(signal.who.name) && signal.who.name == \"x\"",
        "has(signal.who.name) || true",
        "signal.?who.name == null",
        "signal.note == null",
        "signal.tags.exists(t, has(t.value) && t.value == \"passed\")",
        "now - timestamp(body.at) > duration(\"1d\")",
        "body.anything.at[0].all > 3",
        "body.severity >= high",
        "signal[\"category\"] == \"x\"",
    ] {
        if text == "has(signal.who.name) || true" {
            assert!(compiled(text, &names()).unwrap_err().contains("AND0204"));
        } else {
            assert!(
                compiled(text, &names()).is_ok(),
                "{text}: {:?}",
                compiled(text, &names())
            );
        }
    }
}

#[test]
fn faults_say_what_to_write() {
    let mut said = String::new();
    for text in [
        "signal.catgory == \"x\"",
        "signal.value > 1",
        "signal.who.name",
        "signal.nothing_like_it",
        "sgnal.score > 1",
        "score > 1",
        "signal.score == \"x\"",
        "signal.category > 3",
        "now > body.x && now > \"2026\"",
        "signal.tags.contains(\"x\")",
        "len(signal.tags)",
        "signal.category.startswith(\"x\")",
        "body.x.matches(body.y)",
        "body.x.matches(\"(\")",
        "signal.score = 1",
        "signal.score == 1 and true",
        "not signal.score",
        "body.a & body.b",
        "=signal.score > 1",
        "signal.category == \"x'",
        "signal.category == 'x",
        "“x”",
        "(1 + 2",
        "1 +",
        "[1, 2",
        "{\"a\" 1}",
        "a b",
        "1 < 2 < 3",
        "body.severity >= \"high\"",
        "10m",
        "has(signal)",
        "signal.tags.exists(t)",
        "size()",
        "\"\\d\"",
        "signal.category && true",
        "signal.tags == 1",
        "{{x}}",
        "body.event-number == 1",
        "signal.category in \"x\"",
        "True",
        "now()",
        "",
        "body.x ?= 1",
        "signal.category + 1",
        "timestamp(1, \"m\")",
        "otherwise",
        "hihg == body.x",
    ] {
        let found = compiled(text, &names())
            .err()
            .unwrap_or_else(|| "sound".to_owned());
        let _ = writeln!(said, "{text}\n    {}", found.replace('\n', "\n    "));
    }
    insta::assert_snapshot!(said, @r###"
    signal.catgory == "x"
        AND0203 catgory | `catgory` is not a field of mlflow/alias-created | did you mean `category`? | write `signal.category`
    signal.value > 1
        AND0204 .value | `signal.value` may be absent: the schema does not require it | may be absent | write `signal.?value`, or put `has(signal.value) &&` before it
    signal.who.name
        AND0204 .who | `signal.who` may be absent: the schema does not require it | may be absent | write `signal.?who`, or put `has(signal.who) &&` before it
        AND0204 .name | `signal.who.name` may be absent: the schema does not require it | may be absent | write `signal.who.?name`, or put `has(signal.who.name) &&` before it
    signal.nothing_like_it
        AND0203 nothing_like_it | `nothing_like_it` is not a field of mlflow/alias-created | its fields are category, note, score, tags, value, who
    sgnal.score > 1
        AND0202 sgnal | nothing here is called `sgnal` | did you mean `signal`? | write `signal`
    score > 1
        AND0202 score | nothing here is called `score` | did you mean `signal.score`? | write `signal.score`
    signal.score == "x"
        AND0205 signal.score == "x" | `==` compares a number with a text, which are never the same | put both in quotes or neither, or write `int(…)` or `double(…)` around a text that holds a number
    signal.category > 3
        AND0205 signal.category > 3 | `>` cannot compare a text with a number | put both in quotes or neither, or write `int(…)` or `double(…)` around a text that holds a number
    now > body.x && now > "2026"
        AND0205 now > "2026" | `>` cannot compare a time with a text | write `timestamp(…)` around the text
    signal.tags.contains("x")
        AND0206 signal.tags | `contains` takes a text, and this is a list | write `x in signal.tags`
    len(signal.tags)
        AND0207 len | there is no function `len` | did you mean `size`? | write `size(x)`
    signal.category.startswith("x")
        AND0207 startswith | there is no function `startswith` | did you mean `startsWith`? | write `text.startsWith("part")`
    body.x.matches(body.y)
        AND0209 body.y | a pattern is a constant text, never data | write it in quotes: r"\d+"
    body.x.matches("(")
        AND0209 "(" | this is no regular expression | unclosed group | put a backslash before a sign that stands for itself, in a text that begins with r: r"\("
    signal.score = 1
        AND0210 = | a single `=` compares nothing | did you mean `==`? | write `==`
    signal.score == 1 and true
        AND0211 and | `and` is no operator here | write `&&`
    not signal.score
        AND0211 not | `not` is no operator here | write `!`
    body.a & body.b
        AND0211 & | `&` is no operator here | write `&&`
    =signal.score > 1
        AND0210 = | the expression itself has no `=` before it | conditions are written without `=`; values begin with exactly one
    signal.category == "x'
        AND0214 "x | this text is not closed | begins with " here | close it with the quote it began with: "x"
    signal.category == 'x
        AND0214 'x | this text is not closed | begins with ' here | close it with the quote it began with: 'x'
    “x”
        AND0201 “x” | these quotes are those of a word processor | write straight quotes: "x"
    (1 + 2
        AND0201  | the expression ends where `)` should stand | close the parenthesis
    1 +
        AND0201  | the expression ends where a value should stand | write a name, a number, or a text in quotes
    [1, 2
        AND0201  | the expression ends where `,` or `]` after an item should stand | close it with `]`
    {"a" 1}
        AND0201 1 | `1` stands where `:` after a key should | write `{"key": value}`
    a b
        AND0201 b | `b` stands where an operator or the end should | put an operator between the two, such as `==` or `&&`; a text stands in quotes
    1 < 2 < 3
        AND0201 < | a comparison has two sides | write `a < b && b < c`, or put the first comparison in parentheses
    body.severity >= "high"
        sound
    10m
        AND0201 m | a number ends before `m` | write `duration("10m")`
    has(signal)
        AND0208 has(signal) | `has` asks whether one path is there | write `has(signal.key)`
    signal.tags.exists(t)
        AND0208 signal.tags.exists(t) | `exists` takes a name for each item and what to ask of it | write `signal.tags.exists(x, x.key == 1)`
    size()
        AND0208 size() | `size` takes one argument, and this has 0 | write `size(x)`
    "\d"
        AND0214 \d | `\d` is no escape here | write `\\` for a backslash, or begin the text with r: r"\d+"
    signal.category && true
        AND0206 signal.category | `&&` needs a truth value, and this is a text | write `size(signal.category) > 0`
    signal.tags == 1
        AND0205 signal.tags == 1 | `==` compares a list with a number, which are never the same | write `x in list`, or `size(list)` for how many there are
    {{x}}
        AND0201 {{ | `{{…}}` is for prose, and this is an expression | write the name without braces
    body.event-number == 1
        AND0202 number | nothing here is called `number` | if `-` is part of the key, write `body["event-number"]`
    signal.category in "x"
        AND0206 "x" | `in` looks into a list or a map, and this is a text | write `"x".contains(signal.category)`
    True
        AND0202 True | nothing here is called `True` | write `true`
    now()
        AND0207 now | there is no function `now` | `now` is a value: write it without parentheses

        AND0201  | there is no expression here | write one, such as `signal.score >= 0.8`
    body.x ?= 1
        AND0210 = | a single `=` compares nothing | did you mean `==`? | write `==`
    signal.category + 1
        AND0206 signal.category + 1 | `+` cannot take a text and a number | write `string(…)` around what is not a text
    timestamp(1, "m")
        AND0208 "m" | the unit of `timestamp` is "s", "ms" or "ns" | write `timestamp(x, "ms")`
    otherwise
        AND0202 otherwise | nothing here is called `otherwise` | `otherwise` stands alone, as the last case of a list
    hihg == body.x
        AND0202 hihg | nothing here is called `hihg` | did you mean `high`? | write `high`
    "###);
}
