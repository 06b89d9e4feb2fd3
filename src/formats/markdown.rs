//! The reference in `docs/reference/`, as Markdown.

use std::fmt::Write as _;

use super::schema::{described, written};
use super::words::{
    ALERT_WORDS, FUNCTIONS, MACROS, OWN_FIELDS, PROSE_WORDS, ROOTS, TEMPLATE_HELPERS,
    template_words,
};
use super::{FORMATS, Format, Is, Key, Map, Rule, Word};

/// Stands at the head of every page, so that nobody mends it by hand.
const MADE: &str = "<!-- Made by `andon schema --markdown docs/reference`; a test holds it to what Andon reads. -->\n";

/// The pages: the name of each file, and its text.
pub fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = FORMATS
        .iter()
        .map(|format| (format!("{}.md", format.name), reference(format)))
        .collect();
    pages.push(("expressions.md".to_owned(), expressions()));
    pages.push(("templates.md".to_owned(), templates()));
    pages.push(("README.md".to_owned(), index()));
    pages
}

fn index() -> String {
    let mut out = format!("# Reference\n\n{MADE}\n");
    for format in &FORMATS {
        let _ = writeln!(
            out,
            "- [`{}`]({}.md): {}",
            format.lies, format.name, format.map.about
        );
    }
    out.push_str(
        "- [Expressions](expressions.md): what conditions and values behind `=` may say.\n",
    );
    out.push_str("- [Templates](templates.md): what `title`, `summary` and the files under `templates/` may say.\n");
    out.push_str("\nThe same as JSON Schemas: [`schemas/`](../../schemas/), or `andon schema mapping`. How an editor uses them: [editors](../editors.md).\n");
    out
}

fn reference(format: &Format) -> String {
    let mut maps = Vec::new();
    Is::Map(format.map).maps(&mut maps);
    let mut out = format!(
        "# `{}`\n\n{MADE}\n{}\n\nThe first line is `andon: {}`. A key that is not listed is refused.\n",
        format.lies, format.map.about, format.head
    );
    for map in &maps {
        section(map, &maps, &mut out);
    }
    out
}

fn section(map: &Map, maps: &[&'static Map], out: &mut String) {
    let _ = writeln!(out, "\n## {}\n", map.name);
    let above: Vec<String> = maps
        .iter()
        .flat_map(|other| other.keys().map(move |key| (other, key)))
        .filter(|(_, key)| holds(&key.is, map))
        .map(|(other, key)| format!("`{}` of [{}](#{})", key.name, other.name, other.name))
        .collect();
    if !above.is_empty() {
        let _ = writeln!(out, "{} Stands under {}.\n", map.about, above.join(", "));
    }
    for rule in map.rules {
        let _ = writeln!(out, "{}\n", rule_in_words(rule));
    }
    out.push_str("| key | takes | what it is |\n|---|---|---|\n");
    for key in map.keys() {
        let _ = writeln!(
            out,
            "| `{}`{} | {} | {} |",
            key.name,
            if key.required { " (needed)" } else { "" },
            cell(&takes(&key.is)),
            cell(&about(key))
        );
    }
    if let Some(others) = map.others {
        let _ = writeln!(out, "| any other | {} | |", cell(&takes(others)));
    }
    let blocks: Vec<String> = map
        .keys()
        .filter_map(|key| Some(written(key.name, key.example?)))
        .filter(|text| text.trim_end().contains('\n'))
        .collect();
    if !blocks.is_empty() {
        let _ = write!(out, "\n```yaml\n{}```\n", blocks.concat());
    }
}

fn about(key: &Key) -> String {
    let mut text = described(key);
    if let Some(example) = key.example
        && !written(key.name, example).trim_end().contains('\n')
    {
        let _ = write!(text, " Such as `{}: {example}`", key.name);
    }
    text
}

fn rule_in_words(rule: &Rule) -> String {
    let list = |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        keys.join(", ")
    };
    match rule {
        Rule::One(keys) => format!("One of {} stands there.", list(keys)),
        Rule::Some(keys) => format!("At least one of {} stands there.", list(keys)),
    }
}

/// Whether a key takes a map, alone or in lists.
fn holds(is: &Is, map: &Map) -> bool {
    match *is {
        Is::Map(held) => held.name == map.name,
        Is::Named(_, is) | Is::List(is) => holds(is, map),
        Is::Either(all) => all.iter().any(|is| holds(is, map)),
        _ => false,
    }
}

/// What a key takes, in a few words, as Markdown.
pub fn takes(is: &Is) -> String {
    match *is {
        Is::Exactly(text) => format!("`{text}`"),
        Is::Text => "a text".to_owned(),
        Is::Word(words) => either(words),
        Is::Truth => "`true` or `false`".to_owned(),
        Is::Whole => "a whole number".to_owned(),
        Is::Number => "a number".to_owned(),
        Is::Span => "a span of time, such as `30s` (ms s m h d)".to_owned(),
        Is::Size => "a size, such as `64KB` (KB MB GB KiB MiB GiB)".to_owned(),
        Is::JsonMedia => "a media type of JSON, such as `application/x-amz-json-1.1`".to_owned(),
        Is::Rate => "a number and a span of time, such as `120/1m`".to_owned(),
        Is::Schedule => "five fields of cron: minute, hour, day, month, weekday by name; or `@hourly`, `@daily`, `@weekly`, `@monthly`".to_owned(),
        Is::Time => "an instant, RFC 3339".to_owned(),
        Is::Date => "a day".to_owned(),
        Is::Condition => "a [condition](expressions.md)".to_owned(),
        Is::Case => "a [condition](expressions.md), or `otherwise`".to_owned(),
        Is::Expression => "an [expression](expressions.md) behind `=`".to_owned(),
        Is::Value => "a [value](expressions.md#values)".to_owned(),
        Is::Values => "names, each with a [value](expressions.md#values)".to_owned(),
        Is::Data => "anything".to_owned(),
        Is::Prose => "a [text with `{{name}}`](templates.md)".to_owned(),
        Is::Path => "a path that begins with `/`; `{name}` is one segment".to_owned(),
        Is::To(refers) => refers.what().to_owned(),
        Is::Named(what, is) => format!("{what}, and for each {}", takes(is)),
        Is::List(is) => format!("a list, each {}", takes(is)),
        Is::Texts => "a list of texts, or one".to_owned(),
        Is::Cases(words) => format!("a list of cases: {}", either(words)),
        Is::Map(map) => format!("the keys of [{}](#{})", map.name, map.name),
        Is::Either(all) => all.iter().map(takes).collect::<Vec<_>>().join("; or "),
    }
}

fn either(words: &[Word]) -> String {
    let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    words.join(", ")
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn expressions() -> String {
    let mut out = format!(
        "# Expressions\n\n{MADE}\n\
A condition, such as `when:`, is an expression. A value is one when it begins with `=`, as in a cell of a spreadsheet; \
anything else stands for itself, and `==x` is the text `=x`.\n\n\
Operators: `== != < <= > >= in && || ! + - * / %` and `a ? b : c`. A path that may be absent is written `signal.?name` or \
`signal[?\"name\"]`; what is absent equals `null`. Severities order: `informational < low < medium < high < critical`.\n"
    );
    table("Names", &ROOTS, &mut out);
    out.push_str("\nBeside these: what `takes`, `let`, `keep`, `guard`, `each` and `look_up` name. Which of them can be spoken where, `andon check` says.\n");
    table("What every signal has", &OWN_FIELDS, &mut out);
    table("What `alert` has", &ALERT_WORDS, &mut out);
    out.push_str("\n## Functions\n\n| written | gives |\n|---|---|\n");
    for (_, usage, gives) in FUNCTIONS.iter().chain(&MACROS) {
        let _ = writeln!(out, "| `{}` | {} |", cell(usage), cell(gives));
    }
    out.push_str(
        "\n## Values\n\n\
A value is a literal, an expression behind `=`, a list or a map of values, or one of these forms. A map is a form only when its \
keys are exactly these; a key that ends in `?` is left out where its value is absent.\n\n\
| form | gives |\n|---|---|\n\
| `{ text: pagerduty/summary, at_most: 1024 }` | the text of `templates/pagerduty/summary.hbs`; only in `event:` |\n\
| `{ secret: token }` | the secret of this setting; only in requests |\n\
| `{ pick: =alert.severity, from: { critical: P1, otherwise: P3 } }` | what stands beside the key that fits |\n\
| `{ each: =variants, give: { name: =item.name } }` | a list, made of each `item` of a list |\n\
| `{ lines: [ =first, =second ] }` | JSON, a line each |\n\
| `{ json: =alert.fields }` | JSON as one text |\n\
| `{ time: =alert.time, as: \"%Y-%m-%d %H:%M:%S\" }` | a time in UTC, by strftime letters |\n",
    );
    out
}

fn templates() -> String {
    let mut out = format!(
        "# Templates\n\n{MADE}\n\
`title` and `summary` of a mapping, and the files `templates/DESTINATION/PART.hbs`, are Handlebars text. A name that is not listed \
is refused when the files are checked; `{{{{{{name}}}}}}` is refused always. There are `{{{{#if name}}}}…{{{{else}}}}…{{{{/if}}}}`, \
`{{{{#unless name}}}}…{{{{/unless}}}}` and `{{{{#each names as |name|}}}}…{{{{/each}}}}`.\n"
    );
    table(
        "In `title` and `summary`: what stands under `fields`, and",
        &PROSE_WORDS,
        &mut out,
    );
    let words: Vec<Word> = template_words().copied().collect();
    table("In files under `templates/`", &words, &mut out);
    out.push_str("\n## Helpers\n\n| written | gives |\n|---|---|\n");
    for (_, usage, gives) in &TEMPLATE_HELPERS {
        let _ = writeln!(out, "| `{}` | {} |", cell(usage), cell(gives));
    }
    out
}

fn table(title: &str, words: &[Word], out: &mut String) {
    let _ = write!(out, "\n## {title}\n\n| name | is |\n|---|---|\n");
    for (word, is) in words {
        let _ = writeln!(out, "| `{word}` | {} |", cell(is));
    }
}
