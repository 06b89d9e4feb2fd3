//! A mapping's file, written from the data of signals: each guess with a comment that says what to look at.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::alarm::{self, Alarm, Levels, Over};
use super::field::{self, Field, Look};
use super::guess::{self, Guess};
use super::{names, text};
use crate::catalog::Catalog;
use crate::expr::Type;
use crate::mapping::Gives;
use crate::signal::SignalName;
use crate::yaml;

/// How many fields are written out.
const MOST_FIELDS: usize = 16;
/// The longest text in a test, in characters.
const LONGEST_TEXT: usize = 120;

/// What a mapping is written from.
#[derive(Clone, Copy)]
pub(super) struct From<'f> {
    /// Its name.
    pub(super) name: &'f str,
    /// The signal that it judges.
    pub(super) signal: &'f SignalName,
    /// The data of signals that were seen; at least one.
    pub(super) data: &'f [Json],
    /// What the schema says of them.
    pub(super) of: &'f Type,
    /// The schema.
    pub(super) schema: Option<&'f Json>,
    /// What they were read from, as a person knows it.
    pub(super) source: &'f str,
}

/// A mapping, but for what its tests give.
pub(super) struct Draft {
    before_tests: String,
    /// The data of signals that a test may be made of: those that were seen, and one that should end it.
    pub(super) tests: Vec<Json>,
}

impl Draft {
    /// The whole file, with these tests.
    pub(super) fn written<'t>(&self, tests: impl Iterator<Item = (&'t Json, &'t Gives)>) -> String {
        let mut out = self.before_tests.clone();
        out.push_str("\ntests:\n");
        for (data, gives) in tests {
            let (it, gives) = match gives {
                Gives::Nothing => ("this one is none", "nothing".to_owned()),
                Gives::Resolved => ("this one says that it is over", "resolved".to_owned()),
                Gives::Alert(map) => (
                    "what was recorded is an alert",
                    yaml::inline(&Json::Object(map.clone())),
                ),
            };
            let _ = write!(
                out,
                "  - it: {it}\n    signal: {}\n    gives: {gives}\n",
                yaml::inline(data)
            );
        }
        out
    }
}

/// Writes a mapping.
pub(super) fn draft(from: From<'_>, catalog: &Catalog) -> Draft {
    let look = Look {
        root: "signal",
        known: Some(from.of),
        whole: false,
    };
    let documents: Vec<&Json> = from.data.iter().collect();
    let mut fields = look.fields(&documents);
    // What Andon adds to every signal is none of the sender's fields.
    fields.retain(|field| !matches!(field.keys.as_slice(), [only] if ["at", "id", "change"].contains(&only.as_str())));
    let guess = Guess::of(&fields);
    let alarm = alarm::alarm(&guess, from.schema, from.data.first());
    let levels = alarm::levels(&guess, from.schema);
    let shown: Vec<&Field> = guess.plain.iter().take(MOST_FIELDS).copied().collect();
    let keys: Vec<&[String]> = shown.iter().map(|field| field.keys.as_slice()).collect();
    let shown: Vec<(String, &Field)> = names::of_fields(&keys).into_iter().zip(shown).collect();

    let mut out = head(from, &levels, &alarm);
    out.push_str(&alert(from, &guess, &shown, catalog));
    out.push_str(&severity(&levels, &guess, from.data.first()));
    out.push_str(&about(&guess));
    out.push_str(&same_as(&guess));
    out.push_str("  at: =signal.at\n");
    out.push_str(&measured(&guess));
    out.push_str(&leaves(&guess, &shown));
    out.push_str(&over(&alarm));
    Draft {
        before_tests: out,
        tests: tests(from, &alarm, &fields, &guess.content),
    }
}

fn head(from: From<'_>, levels: &Levels, alarm: &Alarm) -> String {
    let mut out = format!(
        "# Written by `andon new` from {}.\n\
         # What stands below a comment is a guess: read it, mend it, and try it with `andon test` and `andon explain`.\n\
         andon: mapping/v1\nname: {}\n\
         # One sentence: what does it find?\nabout: Written from a sample of {}; say here what it finds.\n\
         # draft: tested, never used. shadow: counted, sent nowhere. stable: in force.\nstatus: draft\n\n\
         from: {}\n",
        text::comment(from.source),
        from.name,
        from.signal,
        from.signal
    );
    if let Some(said) = &levels.said {
        let _ = writeln!(out, "let:\n  said: {}", yaml::text(&format!("={said}")));
    }
    let _ = writeln!(
        out,
        "# {}.\nwhen: {}\n",
        alarm.look,
        yaml::condition(&alarm.when)
    );
    out
}

fn alert(
    from: From<'_>,
    guess: &Guess<'_>,
    shown: &[(String, &Field)],
    catalog: &Catalog,
) -> String {
    let mut said = vec![from.signal.connector.as_str(), from.signal.signal.as_str()];
    said.extend(guess.plain.iter().map(|field| field.key()));
    said.extend(guess.sort.iter().flat_map(|field| field.texts()));
    let kind = guess::kind(&said);
    let kind = if catalog.kinds.contains_key(kind) {
        kind
    } else {
        catalog.kinds.keys().next().map_or(kind, String::as_str)
    };
    let name = |wanted: &Field| {
        let found = shown.iter().find(|(_, field)| *field == wanted);
        found.map(|(name, _)| format!("{{{{{name}}}}}"))
    };
    let named = guess.subjects.iter().chain(&guess.parts);
    let mut subjects = named.filter_map(|field| name(field));
    let subject = match (subjects.next(), subjects.next()) {
        (Some(first), Some(second)) => format!("{second} of {first}"),
        (Some(first), None) => first,
        _ => from.signal.to_string(),
    };
    let rest = guess
        .status
        .or(guess.sort)
        .and_then(name)
        .map_or_else(|| " needs a look".to_owned(), |what| format!(": {what}"));
    format!(
        "alert:\n  # A wrong word here is answered with all kinds there are.\n  kind: {kind}\n  \
         # One line for whoever is woken by it; it may name what stands under `fields`.\n  \
         title: \"{subject}{rest}\"\n"
    )
}

fn severity(levels: &Levels, guess: &Guess<'_>, first: Option<&Json>) -> String {
    let mut out = String::from("  # The first that holds.\n");
    if !levels.unknown.is_empty() {
        let words: Vec<String> = levels
            .unknown
            .iter()
            .map(|word| text::literal(word))
            .collect();
        let _ = writeln!(
            out,
            "  # Seen too, and no word for a severity that Andon knows: {}",
            text::comment(&words.join(", "))
        );
    }
    out.push_str("  severity:\n");
    if let (true, Some(value)) = (levels.cases.is_empty(), guess.value) {
        let bound = |field: &Field| field.of(first?)?.as_f64();
        let sign = match (bound(value), guess.limit.and_then(bound)) {
            (Some(was), Some(limit)) if was < limit => "<",
            _ => ">=",
        };
        let path = value.path();
        let _ = writeln!(out, "    # - high: {} {sign} …", text::comment(&path));
    }
    for (severity, when) in &levels.cases {
        let _ = writeln!(
            out,
            "    - {}: {}",
            severity.as_str(),
            yaml::condition(when)
        );
    }
    out.push_str("    - medium: otherwise\n");
    out
}

/// What it is about, where a field sounds like a model or a dataset.
fn about(guess: &Guess<'_>) -> String {
    let named = |field: &Field, words: &[&str]| {
        let key = field.keys.join("_");
        guess::words(&key)
            .iter()
            .any(|word| words.contains(&word.as_str()))
    };
    let find = |words: &[&str]| {
        let mut subjects = guess.subjects.iter();
        subjects.find(|field| named(field, words)).copied()
    };
    let sorts = [
        (None, find(&["model", "deployment", "agent", "endpoint"])),
        (Some("Dataset"), find(&["dataset"])),
        (Some("Feature View"), find(&["view"])),
    ];
    let Some((sort, field)) = sorts
        .into_iter()
        .find_map(|(sort, field)| Some((sort, field?)))
    else {
        return "  # model: { name: =signal.… }: what it is about, so that alerts of one model are found together.\n".to_owned();
    };
    let value = |field: &Field| yaml::text(&format!("={}", field.path()));
    let mut out = format!(
        "  # What it is about.\n  model:\n    name: {}\n",
        value(field)
    );
    let of = |keys: &[&str]| {
        let mut plain = guess.plain.iter();
        plain.find(|field| keys.contains(&guess::words(field.key()).join("_").as_str()))
    };
    if let Some(version) = of(&["version", "model_version"]) {
        let _ = writeln!(out, "    version: {}", value(version));
    }
    if let Some(environment) = of(&["environment", "env", "stage"]) {
        let _ = writeln!(out, "    environment: {}", value(environment));
    }
    if let Some(sort) = sort {
        let _ = writeln!(out, "    type: {sort}");
    }
    out
}

fn same_as(guess: &Guess<'_>) -> String {
    let sure = |field: &&&Field| field.is_sure();
    let mut parts: Vec<&Field> = guess.key.iter().filter(sure).copied().collect();
    if parts.is_empty() {
        parts.extend(guess.subjects.iter().filter(sure).take(3));
        // One too many makes an alert more; one too few lets one thing end the alert of another.
        parts.extend(guess.parts.iter().take(3));
    }
    let parts: Vec<String> = match parts.as_slice() {
        [] => vec!["=signal.id".to_owned()],
        parts => parts
            .iter()
            .map(|field| format!("={}", field.path()))
            .collect(),
    };
    let mut out = String::from(
        "  # One open alert for each of these. What is new with every signal does not belong here: it would\n  \
         # make an alert of each; where one is missing, what is well again ends the alert of another.\n  same_as:\n",
    );
    for part in parts {
        let _ = writeln!(out, "    - {}", yaml::text(&part));
    }
    out
}

fn measured(guess: &Guess<'_>) -> String {
    let Some(value) = guess.value else {
        return String::new();
    };
    let of = |field: &Field| yaml::text(&format!("={}", field.path()));
    let what = guess::words(value.key()).join(" ");
    let mut out = format!(
        "  measured:\n    what: {}\n    value: {}\n",
        yaml::text(&what),
        of(value)
    );
    if let Some(limit) = guess.limit {
        let _ = writeln!(out, "    limit: {}", of(limit));
    }
    out
}

/// `fields:`, and what is left out of it.
fn leaves(guess: &Guess<'_>, shown: &[(String, &Field)]) -> String {
    let mut out = String::new();
    if !shown.is_empty() {
        out.push_str(
            "  # What leaves the house, and what titles and summaries may name.\n  fields:\n",
        );
        for (name, field) in shown {
            let _ = writeln!(
                out,
                "    {}: {}",
                yaml::key(name),
                yaml::text(&format!("={}", field.path()))
            );
        }
    }
    let more = guess.plain.iter().skip(shown.len());
    let paths = |fields: Vec<&Field>| {
        let paths: Vec<String> = fields.iter().map(|field| field.path()).collect();
        text::comment(&paths.join(", "))
    };
    if guess.plain.len() > shown.len() {
        let _ = writeln!(
            out,
            "  # There are more: {}",
            paths(more.copied().collect())
        );
    }
    if !guess.content.is_empty() {
        let _ = writeln!(
            out,
            "  # Left out, because people or models wrote it, or because it is private: {}",
            paths(guess.content.clone())
        );
    }
    out
}

fn over(alarm: &Alarm) -> String {
    match &alarm.over {
        Over::When(when) => format!(
            "\n# What says that it is over.\nresolve:\n  - when: {}\n",
            yaml::condition(when)
        ),
        Over::Otherwise => "\n# Any other signal with the same values under `same_as` says that it is over.\nresolve:\n  - when: otherwise\n".to_owned(),
        Over::Quiet => "\n# Nothing in the sample says that it is over, so it closes when nothing more was heard for so long.\n\
             # Where a signal does say so: resolve: [ { when: signal.… == \"resolved\" } ]\nquiet: 24h\n"
            .to_owned(),
    }
}

/// The data that were seen, and the first of them with the one value that should end it.
fn tests(from: From<'_>, alarm: &Alarm, fields: &[Field], content: &[&Field]) -> Vec<Json> {
    let data = from.data.iter();
    let mut tests: Vec<Json> = data.map(|data| small(data, fields, content)).collect();
    if let (Some((keys, value)), Some(first)) = (&alarm.calm, tests.first()) {
        let mut calm = first.clone();
        put(&mut calm, keys, value.clone());
        tests.push(calm);
    }
    tests
}

/// As much of a signal's data as reads well in a file: its fields, of lists and other maps only that they are
/// there, and nothing of what people or models wrote.
fn small(data: &Json, fields: &[Field], content: &[&Field]) -> Json {
    let mut out = Map::new();
    for (key, value) in data.as_object().into_iter().flatten() {
        let named = fields.iter().any(|field| field.keys.first() == Some(key));
        match value {
            _ if key == "at" => out.insert(key.clone(), value.clone()),
            Json::Object(_) if named => out.insert(key.clone(), Json::Object(Map::new())),
            Json::Array(_) if field::is_key(key) => {
                out.insert(key.clone(), Json::Array(Vec::new()))
            }
            _ => None,
        };
    }
    let mut out = Json::Object(out);
    for field in fields {
        let value = match field.of(data) {
            Some(Json::String(_)) if content.contains(&field) => "left out".into(),
            Some(Json::String(text)) => text.chars().take(LONGEST_TEXT).collect::<String>().into(),
            Some(value) if !value.is_object() && !value.is_array() => value.clone(),
            _ => continue,
        };
        put(&mut out, &field.keys, value);
    }
    out
}

/// Puts a value where a path leads, making the maps on the way.
fn put(data: &mut Json, keys: &[String], value: Json) {
    let Some((first, rest)) = keys.split_first() else {
        *data = value;
        return;
    };
    if !data.is_object() {
        *data = Json::Object(Map::new());
    }
    if let Some(map) = data.as_object_mut() {
        put(map.entry(first.as_str()).or_insert(Json::Null), rest, value);
    }
}
