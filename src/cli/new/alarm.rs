//! When there is an alert, how bad it is, and when it is over: the conditions that the fields suggest.

use serde_json::Value as Json;

use super::field::{Field, Sort};
use super::guess::{self, Guess};
use super::text;
use crate::alert::Severity;

/// The longest text that a condition compares with, in characters.
const LONGEST: usize = 60;
/// How many texts a condition compares with.
const MOST: usize = 8;

/// When there is an alert.
#[derive(Debug)]
pub(super) struct Alarm {
    /// The condition.
    pub(super) when: String,
    /// What to look at.
    pub(super) look: &'static str,
    /// When it is over.
    pub(super) over: Over,
    /// A value of one field that should end it, for a test.
    pub(super) calm: Option<(Vec<String>, Json)>,
}

/// When an alert is over.
#[derive(Debug)]
pub(super) enum Over {
    /// When this holds.
    When(String),
    /// With any signal that is none.
    Otherwise,
    /// When nothing more is heard.
    Quiet,
}

/// Words that a field takes: those that were seen, and those of an enum in the schema.
pub(super) fn words(field: &Field, schema: Option<&Json>) -> Vec<String> {
    let listed = schema.and_then(|schema| {
        let place = field
            .keys
            .iter()
            .try_fold(schema, |at, key| at.get("properties")?.get(key))?;
        place.get("enum")?.as_array()
    });
    let listed = listed.into_iter().flatten().filter_map(Json::as_str);
    let mut words: Vec<String> = Vec::new();
    for word in field.texts().chain(listed) {
        let short = !word.is_empty() && word.chars().count() <= LONGEST;
        if short && words.len() < MOST && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// A text field as it may be compared, also where it is absent or null.
fn read(field: &Field) -> String {
    if field.is_sure() {
        field.path()
    } else {
        format!("default({}, \"\")", field.path())
    }
}

fn is_one_of(field: &Field, words: &[String]) -> String {
    match words {
        [only] => format!("{} == {}", read(field), text::literal(only)),
        several => {
            let listed: Vec<String> = several.iter().map(|word| text::literal(word)).collect();
            format!("{} in [{}]", read(field), listed.join(", "))
        }
    }
}

/// The likeliest condition. There always is one: at the worst every signal is an alert.
pub(super) fn alarm(guess: &Guess<'_>, schema: Option<&Json>, first: Option<&Json>) -> Alarm {
    by_status(guess, schema)
        .or_else(|| by_flag(guess))
        .or_else(|| by_limit(guess, first))
        .or_else(|| by_words(guess, schema))
        .or_else(|| by_value(guess))
        .unwrap_or_else(|| by_name(guess))
}

fn by_status(guess: &Guess<'_>, schema: Option<&Json>) -> Option<Alarm> {
    let field = guess.status?;
    let (over, wrong): (Vec<String>, Vec<String>) = words(field, schema)
        .into_iter()
        .partition(|word| guess::is_over(word));
    if over.is_empty() && wrong.is_empty() {
        return None;
    }
    let when = match (wrong.as_slice(), over.as_slice()) {
        ([], [only]) => format!("{} != {}", read(field), text::literal(only)),
        ([], over) => format!("!({})", is_one_of(field, over)),
        (wrong, _) => is_one_of(field, wrong),
    };
    let calm = over
        .first()
        .map(|word| (field.keys.clone(), Json::from(word.as_str())));
    Some(Alarm {
        when,
        look: "The words of the status that do not sound as if all were well",
        over: match over.as_slice() {
            [] => Over::Quiet,
            over => Over::When(is_one_of(field, over)),
        },
        calm,
    })
}

fn by_flag(guess: &Guess<'_>) -> Option<Alarm> {
    let (field, says) = guess.flag?;
    let path = field.path();
    let (when, over) = match (field.is_sure(), says) {
        (true, true) => (path, Over::Otherwise),
        (true, false) => (format!("{path} == false"), Over::Otherwise),
        (false, says) => (
            format!("{path} == {says}"),
            Over::When(format!("{path} == {}", !says)),
        ),
    };
    Some(Alarm {
        when,
        look: "A field that sounds as if it said so; see that it is the right way round",
        over,
        calm: Some((field.keys.clone(), Json::from(!says))),
    })
}

fn by_limit(guess: &Guess<'_>, first: Option<&Json>) -> Option<Alarm> {
    let (value, limit) = (guess.value?, guess.limit?);
    if !value.is_sure() || !limit.is_sure() {
        return None;
    }
    let (was, bound) = (value.of(first?)?.as_f64()?, limit.of(first?)?.as_f64()?);
    let sign = if was < bound { "<" } else { ">=" };
    Some(Alarm {
        when: format!("{} {sign} {}", value.path(), limit.path()),
        look: "On this side of its limit it is taken to be wrong",
        over: Over::Otherwise,
        calm: None,
    })
}

/// By a level, or by the sort of event.
fn by_words(guess: &Guess<'_>, schema: Option<&Json>) -> Option<Alarm> {
    let of = |field: &Field, look| {
        let mut found = words(field, schema);
        let harmless = |word: &String| guess::severity_of(word) == Some(Severity::Informational);
        if !found.iter().all(harmless) {
            found.retain(|word| !harmless(word));
        }
        (!found.is_empty()).then(|| Alarm {
            when: is_one_of(field, &found),
            look,
            over: Over::Quiet,
            calm: None,
        })
    };
    let sort = guess.sort.and_then(|field| {
        of(
            field,
            "The sorts of event that were seen: keep those that somebody should hear of",
        )
    });
    let level = || {
        let level = guess.severity.filter(|field| field.sort == Sort::Text)?;
        of(
            level,
            "The levels that were seen: keep those that somebody should hear of",
        )
    };
    sort.or_else(level)
}

fn by_value(guess: &Guess<'_>) -> Option<Alarm> {
    let field = guess.value.filter(|field| field.is_sure())?;
    let least = field.numbers().fold(f64::INFINITY, f64::min);
    Some(Alarm {
        when: format!("{} >= {}", field.path(), number(least)?),
        look: "The smallest value that was seen: write the limit that counts for you",
        over: Over::Otherwise,
        calm: None,
    })
}

/// Every signal.
fn by_name(guess: &Guess<'_>) -> Alarm {
    let named = guess.subjects.iter().find(|field| field.is_sure());
    let path = named.map_or_else(|| "signal.id".to_owned(), |field| field.path());
    Alarm {
        when: format!("{path} != \"\""),
        look: "Nothing in the sample says when it is wrong, so every signal is an alert: narrow it",
        over: Over::Quiet,
        calm: None,
    }
}

/// A number as an expression has it, where it has a plain form.
fn number(number: f64) -> Option<String> {
    let plain = number == 0.0 || (1e-6..1e15).contains(&number.abs());
    plain.then(|| number.to_string())
}

/// How bad an alert is.
#[derive(Debug, Default)]
pub(super) struct Levels {
    /// `let`, where the cases need one.
    pub(super) said: Option<String>,
    /// Severities and their conditions; everything else is medium.
    pub(super) cases: Vec<(Severity, String)>,
    /// Words that are no severity that is known.
    pub(super) unknown: Vec<String>,
}

/// The likeliest cases.
pub(super) fn levels(guess: &Guess<'_>, schema: Option<&Json>) -> Levels {
    match guess.severity {
        Some(field) if field.sort == Sort::Text => by_level(field, &words(field, schema)),
        Some(field) if field.is_sure() => Levels {
            cases: by_number(field),
            ..Levels::default()
        },
        _ => Levels::default(),
    }
}

fn by_level(field: &Field, words: &[String]) -> Levels {
    let mut levels = Levels::default();
    let small = words.iter().all(|word| *word == word.to_lowercase());
    let read = if small {
        read(field)
    } else {
        levels.said = Some(format!("lower({})", read(field)));
        "said".to_owned()
    };
    for severity in [
        Severity::Critical,
        Severity::High,
        Severity::Low,
        Severity::Informational,
    ] {
        let mut fitting: Vec<String> = Vec::new();
        for word in words
            .iter()
            .filter(|word| guess::severity_of(word) == Some(severity))
        {
            let written = text::literal(&word.to_lowercase());
            if !fitting.contains(&written) {
                fitting.push(written);
            }
        }
        match fitting.as_slice() {
            [] => {}
            [only] => levels.cases.push((severity, format!("{read} == {only}"))),
            several => levels
                .cases
                .push((severity, format!("{read} in [{}]", several.join(", ")))),
        }
    }
    if levels.cases.is_empty() {
        levels.said = None;
    }
    let unknown = words
        .iter()
        .filter(|word| guess::severity_of(word).is_none());
    levels.unknown = unknown.cloned().collect();
    levels
}

/// By how large numbers of such a field get: from 0 to 1, to 10 as CVSS has it, or to 100.
fn by_number(field: &Field) -> Vec<(Severity, String)> {
    let largest = field.numbers().fold(0.0, f64::max);
    let bounds: &[(Severity, u32)] = &[(Severity::Critical, 90), (Severity::High, 70)];
    let scale = match largest {
        ..=1.0 => 100.0,
        ..=10.0 => 10.0,
        ..=100.0 => 1.0,
        _ => return Vec::new(),
    };
    bounds
        .iter()
        .map(|(severity, bound)| {
            let bound = f64::from(*bound) / scale;
            (*severity, format!("{} >= {bound}", field.path()))
        })
        .collect()
}
