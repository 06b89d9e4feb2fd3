//! The story as a person reads it: what it is about, what it gave, why, with which values.

use serde_json::Value as Json;

use super::part::{Gives, Looked, Part};
use super::story::{Closes, End, Field, Story, Told};
use super::text_sent;
use crate::cli::shown;
use crate::mapping::WHOLE;

/// How wide the first two columns are.
const HEAD: usize = 9;
/// The widest that expressions stand beside their values; a longer one pushes its own aside.
const WIDEST: usize = 48;
/// The longest value shown, in graphemes.
const VALUE: usize = 80;

/// Lines of four columns: what it is about, what came of it, as written, with which values.
pub(super) struct Lines {
    out: String,
    last: String,
    wide: usize,
}

/// Renders a story.
pub(crate) fn text(story: &Story, with_bytes: bool) -> String {
    let mut lines = Lines {
        out: String::new(),
        last: String::new(),
        wide: widest(story),
    };
    let signal = &story.signal;
    lines.free(
        "signal",
        &format!(
            "{}  {}  {}  {}",
            shown::text(&signal.name),
            shown::text(&signal.connection),
            crate::untrusted::log(&signal.id, 40),
            signal.at
        ),
    );
    if story.status != "stable" {
        lines.free(
            "status",
            &format!("{}: nothing is sent for it", story.status),
        );
    }
    look_ups(&mut lines, story);
    parts(&mut lines, "when", &story.when);
    lets(&mut lines, story);
    for closes in &story.resolve {
        resolve(&mut lines, closes);
    }
    if let Some(alert) = &story.alert {
        told(&mut lines, alert);
    }
    end(&mut lines, &story.gives);
    text_sent::triage(&mut lines, story);
    text_sent::sends(&mut lines, story, with_bytes);
    lines.out
}

/// Why a test's signal gave what it gave, in the lines of a story: what decides whether there is an alert
/// where that differs, else what stands behind the keys that do.
pub(crate) fn why(story: &Story, keys: &[&str]) -> String {
    let mut lines = Lines {
        out: String::new(),
        last: String::new(),
        wide: widest(story),
    };
    let whole = keys.contains(&WHOLE);
    if whole {
        look_ups(&mut lines, story);
        parts(&mut lines, "when", &story.when);
    }
    if whole || keys.contains(&"severity") {
        lets(&mut lines, story);
    }
    if whole {
        for closes in &story.resolve {
            resolve(&mut lines, closes);
        }
    }
    if let Some(alert) = &story.alert {
        if whole || keys.contains(&"severity") {
            severity(&mut lines, alert);
        }
        for (part, leaves) in &alert.leaves {
            for found in leaves {
                let path = format!("{part}.{}", found.name);
                if keys
                    .iter()
                    .any(|key| *key == path || key.starts_with(&format!("{path}.")))
                {
                    field(&mut lines, part, found);
                }
            }
        }
    }
    lines.out
}

/// Several stories, one under the other.
pub(crate) fn all(stories: &[Story], with_bytes: bool) -> String {
    let texts: Vec<String> = stories
        .iter()
        .map(|story| text(story, with_bytes))
        .collect();
    texts.join("\n")
}

impl Lines {
    fn row(&mut self, head: &str, gave: &str, written: &str, values: &str) {
        let head = self.head(head);
        let wide = self.wide;
        let line = format!("{head:<HEAD$}{gave:<HEAD$}{written:<wide$}  {values}");
        self.push(&line);
    }

    pub(super) fn free(&mut self, head: &str, text: &str) {
        let head = self.head(head);
        let line = format!("{head:<HEAD$}{text}");
        self.push(&line);
    }

    /// What is the same as on the line before is not said again.
    fn head(&mut self, head: &str) -> String {
        if self.last == head {
            return String::new();
        }
        head.clone_into(&mut self.last);
        head.to_owned()
    }

    pub(super) fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}

fn widest(story: &Story) -> usize {
    let alert = story.alert.iter().flat_map(|alert| &alert.because);
    let resolve = story.resolve.iter().flat_map(|closes| &closes.when);
    let parts = story.when.iter().chain(alert).chain(resolve);
    let parts = parts.map(|part| part.text.len() + 2 * part.depth);
    let lets = story.lets.iter().map(|named| named.text.len());
    parts
        .chain(lets)
        .filter(|wide| *wide <= WIDEST)
        .max()
        .unwrap_or(0)
}

fn look_ups(lines: &mut Lines, story: &Story) {
    for look_up in &story.look_up {
        let standing = if look_up.given { "given" } else { "needed" };
        lines.free(
            "look up",
            &format!(
                "{}  {} at {}  {standing}",
                shown::text(&look_up.name),
                crate::untrusted::log(&look_up.request, 300),
                shown::text(&look_up.at)
            ),
        );
    }
}

fn lets(lines: &mut Lines, story: &Story) {
    for named in &story.lets {
        lines.row(
            "let",
            &shown::text(&named.name),
            &shown::text(&named.text),
            &short(&named.gives),
        );
    }
}

fn parts(lines: &mut Lines, head: &str, parts: &[Part]) {
    for part in parts {
        let written = format!("{}{}", "  ".repeat(part.depth), shown::text(&part.text));
        lines.row(head, &word(&part.gives), &written, &values(part));
    }
}

fn values(part: &Part) -> String {
    if let Gives::Failed(why) = &part.gives {
        return shown::text(why);
    }
    if part.gives == Gives::NotNeeded {
        return String::new();
    }
    match part.values.as_slice() {
        [one] => short(&one.gives),
        many => list(many),
    }
}

pub(super) fn list(many: &[Looked]) -> String {
    let said: Vec<String> = many
        .iter()
        .map(|looked| format!("{} is {}", shown::text(&looked.text), short(&looked.gives)))
        .collect();
    said.join(", ")
}

/// What a condition gave, as one word.
fn word(gives: &Gives) -> String {
    match gives {
        Gives::Value(value @ Json::Bool(_)) => value.to_string(),
        Gives::Value(_) => "no truth".to_owned(),
        Gives::Absent => "absent".to_owned(),
        Gives::Failed(_) => "failed".to_owned(),
        Gives::NotNeeded => "-".to_owned(),
    }
}

fn short(gives: &Gives) -> String {
    match gives {
        Gives::Value(value) => shown::value(value, VALUE),
        Gives::Absent => "absent".to_owned(),
        Gives::Failed(why) => format!("failed: {}", shown::text(why)),
        Gives::NotNeeded => "not needed".to_owned(),
    }
}

fn severity(lines: &mut Lines, alert: &Told) {
    let severity = alert.severity.as_str();
    let not: Vec<String> = alert
        .not
        .iter()
        .map(|other| {
            let name = other.severity.as_str();
            if other.gives == Gives::NotNeeded {
                return format!("({name}: not asked, {severity} held before it)");
            }
            let looked = list(&other.values);
            let joint = if looked.is_empty() { "" } else { ", " };
            format!("({name}: {}{joint}{looked})", word(&other.gives))
        })
        .collect();
    let mut not = not.into_iter();
    let (gave, first, values_of) = match alert.because.split_first() {
        None => (severity, "otherwise".to_owned(), String::new()),
        Some((part, _)) => (severity, shown::text(&part.text), values(part)),
    };
    let mut beside = values_of;
    if alert.not.len() == 1 && alert.because.len() < 2 {
        let joint = if beside.is_empty() { "" } else { "      " };
        beside = format!("{beside}{joint}{}", not.next().unwrap_or_default());
    }
    lines.row("severity", gave, &first, &beside);
    for part in alert.because.iter().skip(1) {
        let written = format!("{}{}", "  ".repeat(part.depth), shown::text(&part.text));
        lines.row("severity", "", &written, &values(part));
    }
    for other in not {
        lines.row("severity", "", &other, "");
    }
}

fn told(lines: &mut Lines, alert: &Told) {
    severity(lines, alert);
    lines.free("title", &shown::text(&alert.title));
    if !alert.summary.is_empty() {
        lines.free("summary", &shown::text(&alert.summary));
    }
    let quiet = match alert.quiet_seconds {
        None => String::new(),
        Some(seconds) => format!(
            "      closes after {} without another",
            shown::span(seconds)
        ),
    };
    lines.free("same as", &format!("{}{quiet}", key(&alert.same_as)));
    for part in ["model", "fields", "measured", "evidence"] {
        for found in alert.leaves.get(part).into_iter().flatten() {
            field(lines, part, found);
        }
    }
    for offer in &alert.contain {
        let mut said: Vec<String> = offer
            .with
            .iter()
            .map(|(name, value)| format!("{} {}", shown::text(name), shown::value(value, VALUE)))
            .collect();
        if !offer.ask.is_empty() {
            said.push(format!("asks for {}", offer.ask.join(", ")));
        }
        lines.free(
            "contain",
            &format!("{} at {}  {}", offer.action, offer.at, said.join(", ")),
        );
    }
}

fn field(lines: &mut Lines, part: &str, field: &Field) {
    let notes = field.notes.join("; ");
    let said = match &field.value {
        None => notes,
        Some(value) if notes.is_empty() => shown::value(value, VALUE),
        Some(value) => format!("{}      {notes}", shown::value(value, VALUE)),
    };
    lines.free(part, &format!("{} {said}", shown::text(&field.name)));
}

fn resolve(lines: &mut Lines, closes: &Closes) {
    if closes.when.is_empty() {
        lines.row("resolve", "true", "otherwise", "");
    }
    parts(lines, "resolve", &closes.when);
}

fn end(lines: &mut Lines, gives: &End) {
    match gives {
        End::Alert => {}
        End::Nothing => lines.free("gives", "nothing"),
        End::Resolved { same_as } => lines.free(
            "gives",
            &format!("resolved: closes the open alert of {}", key(same_as)),
        ),
        End::Stuck(why) => lines.free("gives", &format!("stuck: {}", shown::text(why))),
        End::Waits => lines.free(
            "gives",
            "nothing yet: give what was looked up with --look-up FILE.json, a map by these names",
        ),
    }
}

fn key(same_as: &[Json]) -> String {
    let values: Vec<String> = same_as
        .iter()
        .map(|value| match value {
            Json::String(text) => shown::text(text),
            other => shown::value(other, VALUE),
        })
        .collect();
    values.join(" · ")
}
