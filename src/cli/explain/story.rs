//! Why a mapping says what it says about a signal: as data, so that a script reads the same facts as a
//! person. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::outlook::Outlook;
use super::part::{Gives, Looked, Part, gives, looked, parts};
use super::sent::Sent;
use crate::alert::{Offer, Severity};
use crate::catalog::Catalog;
use crate::cli::shown;
use crate::expr::Scope;
use crate::id::Id;
use crate::mapping::{Judgement, Mapping, Proposal, clean};
use crate::shape::{Absent, Leaf, Shape};
use crate::signal::Signal;
use crate::triage;

/// The whole story.
#[derive(Debug, Serialize)]
pub(crate) struct Story {
    /// The mapping.
    pub(crate) mapping: String,
    /// Whether it counts.
    pub(crate) status: &'static str,
    /// The signal.
    pub(crate) signal: Heard,
    /// What has to be asked first.
    pub(crate) look_up: Vec<LookedUp>,
    /// Why there is an alert, or none.
    pub(crate) when: Vec<Part>,
    /// Names made here.
    #[serde(rename = "let")]
    pub(crate) lets: Vec<Named>,
    /// What came of it.
    pub(crate) gives: End,
    /// The alert, where there is one.
    pub(crate) alert: Option<Told>,
    /// What would close it, where there is none.
    pub(crate) resolve: Vec<Closes>,
    /// What triage would do with that.
    pub(crate) triage: Option<Outlook>,
    /// What each destination would get.
    pub(crate) send: Vec<Sent>,
}

/// The signal.
#[derive(Debug, Serialize)]
pub(crate) struct Heard {
    /// `connector/signal`.
    pub(crate) name: String,
    /// The connection.
    pub(crate) connection: String,
    /// What the vendor calls it.
    pub(crate) id: String,
    /// When it happened.
    pub(crate) at: String,
}

/// Something that has to be asked first.
#[derive(Debug, Serialize)]
pub(crate) struct LookedUp {
    /// Its name.
    pub(crate) name: String,
    /// The connection that is asked.
    pub(crate) at: String,
    /// The request, without host and secrets.
    pub(crate) request: String,
    /// Whether the answer was given.
    pub(crate) given: bool,
}

/// A name under `let`.
#[derive(Debug, Serialize)]
pub(crate) struct Named {
    /// The name.
    pub(crate) name: String,
    /// Its expression.
    pub(crate) text: String,
    /// What it is.
    pub(crate) gives: Gives,
}

/// What came of it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// An alert.
    Alert,
    /// An alert of this key is over.
    Resolved {
        /// The key's values.
        same_as: Vec<Json>,
    },
    /// Nothing.
    Nothing,
    /// It cannot be judged.
    Stuck(String),
    /// Something has to be looked up.
    Waits,
}

/// An alert.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// How bad.
    pub(crate) severity: Severity,
    /// The case that held; none where it is the last one's `otherwise`.
    pub(crate) because: Vec<Part>,
    /// Why it is none of the others.
    pub(crate) not: Vec<Other>,
    /// One line.
    pub(crate) title: String,
    /// A few sentences.
    pub(crate) summary: String,
    /// What tells it apart.
    pub(crate) same_as: Vec<Json>,
    /// After how many seconds without a signal it closes.
    pub(crate) quiet_seconds: Option<u64>,
    /// What leaves, by part of the alert.
    pub(crate) leaves: BTreeMap<&'static str, Vec<Field>>,
    /// What may be done.
    pub(crate) contain: Vec<Offer>,
}

/// A severity that it is not.
#[derive(Debug, Serialize)]
pub(crate) struct Other {
    /// Which.
    pub(crate) severity: Severity,
    /// What its case gave.
    pub(crate) gives: Gives,
    /// What it looked at.
    pub(crate) values: Vec<Looked>,
}

/// Something that leaves the house, or was left out.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// As it leaves; none where it is left out.
    pub(crate) value: Option<Json>,
    /// What was cut, removed or left out.
    pub(crate) notes: Vec<String>,
}

/// Something that would close it.
#[derive(Debug, Serialize)]
pub(crate) struct Closes {
    /// The signal.
    pub(crate) from: String,
    /// Its condition; empty for `otherwise`.
    pub(crate) when: Vec<Part>,
}

/// Why a mapping says what it says. `found` holds what was looked up, by name. What triage would do, and
/// what is sent, is left to [`super::outlook`].
pub(crate) fn story(
    catalog: &Catalog,
    mapping: &Mapping,
    signal: &Signal,
    found: &Map<String, Json>,
) -> Story {
    let scope = mapping.scope(&mapping.names, signal, found);
    let own = mapping.from == signal.name;
    let look_up = if own {
        look_ups(mapping, signal, found, &scope)
    } else {
        Vec::new()
    };
    let waits = look_up.iter().any(|look_up| !look_up.given);
    let judged = mapping.judge(signal, found);
    let mut story = Story {
        mapping: mapping.name.clone(),
        status: mapping.status.as_str(),
        signal: Heard {
            name: signal.name.to_string(),
            connection: signal.connection.clone(),
            id: signal.vendor_id.clone(),
            at: signal.at.to_string(),
        },
        look_up,
        when: Vec::new(),
        lets: Vec::new(),
        gives: End::Nothing,
        alert: None,
        resolve: Vec::new(),
        triage: None,
        send: Vec::new(),
    };
    if waits {
        story.gives = End::Waits;
        return story;
    }
    if own {
        story.when = parts(&mapping.when, &scope);
        story.lets = lets(mapping, &scope);
    }
    match judged {
        Err(stuck) => story.gives = End::Stuck(stuck.to_string()),
        Ok(Judgement::Nothing) => story.resolve = closes(mapping, signal, found),
        Ok(Judgement::Close { key }) => {
            story.resolve = closes(mapping, signal, found);
            story.gives = End::Resolved {
                same_as: key_values(mapping, &key),
            };
        }
        Ok(Judgement::Open(proposal)) => {
            story.gives = End::Alert;
            let mut shown = proposal.clone();
            let alert = triage::first(
                catalog,
                mapping,
                signal,
                &mut shown,
                Id::from_raw(0),
                signal.now,
            );
            story.alert = Some(told(mapping, &proposal, &scope, alert.contain));
        }
    }
    story
}

fn look_ups<'a>(
    mapping: &'a Mapping,
    signal: &Signal,
    found: &Map<String, Json>,
    scope: &'a Scope<'a>,
) -> Vec<LookedUp> {
    let one = |look_up: &'a crate::mapping::LookUp| {
        let at = look_up.at.as_ref().unwrap_or(&signal.connection);
        let request = match look_up.call.render(scope, &Map::new(), "url") {
            Ok(request) => written(&request),
            Err(error) => format!("cannot be asked: {error}"),
        };
        LookedUp {
            name: look_up.name.clone(),
            at: at.clone(),
            request,
            given: found.contains_key(&look_up.name),
        }
    };
    mapping.look_up.iter().map(one).collect()
}

fn written(request: &crate::shape::Request) -> String {
    let query: Vec<String> = request
        .query
        .iter()
        .map(|(name, value)| match value {
            Leaf::Text(text) => format!("{name}={text}"),
            Leaf::Secret(secret) => format!("{name}=<secret {secret}>"),
        })
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!(
        "{} {}{mark}{}",
        request.method.as_str(),
        request.path,
        query.join("&")
    )
}

fn lets<'a>(mapping: &'a Mapping, scope: &Scope<'a>) -> Vec<Named> {
    mapping
        .lets
        .iter()
        .map(|(slot, expr)| Named {
            name: mapping
                .names
                .slots()
                .find(|(known, _)| known == slot)
                .map_or_else(String::new, |(_, name)| name.to_owned()),
            text: expr.source().trim().to_owned(),
            gives: gives(expr, scope),
        })
        .collect()
}

fn closes(mapping: &Mapping, signal: &Signal, found: &Map<String, Json>) -> Vec<Closes> {
    let one = |rule: &crate::mapping::ResolveRule| {
        let names = rule.names.as_ref().unwrap_or(&mapping.names);
        let scope = mapping.scope(names, signal, found);
        Closes {
            from: rule.from.to_string(),
            when: rule
                .when
                .as_ref()
                .map(|when| parts(when, &scope))
                .unwrap_or_default(),
        }
    };
    mapping
        .resolve
        .iter()
        .filter(|rule| rule.from == signal.name)
        .map(one)
        .collect()
}

/// The values of a key: what stands in it after the mapping's name and the connection's.
fn key_values(mapping: &Mapping, key: &str) -> Vec<Json> {
    let before = if mapping.key_has_connection { 2 } else { 1 };
    match serde_json::from_str(key) {
        Ok(Json::Array(values)) => values.into_iter().skip(before).collect(),
        _ => Vec::new(),
    }
}

fn told<'a>(
    mapping: &'a Mapping,
    proposal: &Proposal,
    scope: &'a Scope<'a>,
    contain: Vec<Offer>,
) -> Told {
    let rule = &mapping.alert;
    let mut because = Vec::new();
    let mut not = Vec::new();
    let mut chosen = false;
    for (severity, when) in &rule.severity {
        if !chosen && *severity == proposal.severity {
            let holds = when
                .as_ref()
                .is_none_or(|when| when.holds(scope).unwrap_or(false));
            if holds {
                chosen = true;
                if let Some(when) = when {
                    because = parts(when, scope);
                }
                continue;
            }
        }
        not.push(match when {
            Some(when) if !chosen => Other {
                severity: *severity,
                gives: gives(when, scope),
                values: looked(when, scope),
            },
            _ => Other {
                severity: *severity,
                gives: Gives::NotNeeded,
                values: Vec::new(),
            },
        });
    }
    let shapes: [(&'static str, Option<&'a Shape>); 4] = [
        ("model", rule.model.as_ref()),
        ("fields", rule.fields.as_ref()),
        ("measured", rule.measured.as_ref()),
        ("evidence", rule.evidence.as_ref()),
    ];
    let leaves = shapes
        .into_iter()
        .filter_map(|(part, shape)| Some((part, fields(shape?, scope))))
        .collect();
    Told {
        severity: proposal.severity,
        because,
        not,
        title: proposal.title.clone(),
        summary: proposal.summary.clone(),
        same_as: key_values(mapping, &proposal.key),
        quiet_seconds: mapping.quiet.map(|quiet| quiet.as_secs()),
        leaves,
        contain,
    }
}

fn fields<'a>(shape: &'a Shape, scope: &'a Scope<'a>) -> Vec<Field> {
    let Ok(Some(rendered)) = shape.render(scope, &Map::new(), Absent::LeftOut) else {
        return Vec::new();
    };
    let mut fields = Vec::new();
    if let Json::Object(map) = rendered.value {
        for (name, raw) in map {
            let mut kept = raw.clone();
            clean(&mut kept);
            let mut notes = Vec::new();
            changed(&raw, &kept, &mut notes);
            fields.push(Field {
                name,
                value: Some(kept),
                notes,
            });
        }
    }
    fields.extend(rendered.left_out.into_iter().map(|name| Field {
        name,
        value: None,
        notes: vec!["absent, so left out".to_owned()],
    }));
    fields
}

/// What cleaning did to the texts in a value.
fn changed(raw: &Json, kept: &Json, notes: &mut Vec<String>) {
    use unicode_segmentation::UnicodeSegmentation;
    match (raw, kept) {
        (Json::String(raw), Json::String(kept)) if raw != kept => {
            let whole = crate::untrusted::person(raw, usize::MAX);
            let (long, short) = (whole.graphemes(true).count(), kept.graphemes(true).count());
            if short < long {
                let (long, short) = (shown::count(long), shown::count(short));
                notes.push(format!("was {long} characters, kept {short}"));
            }
            let signs = |text: &str| text.matches("\\u{").count();
            let hidden = signs(&whole).saturating_sub(signs(raw));
            if hidden > 0 {
                notes.push(format!("{hidden} hidden characters shown as \\u{{…}}"));
            }
            let breaks = raw
                .chars()
                .filter(|c| matches!(c, '\n' | '\r' | '\t'))
                .count();
            if breaks > 0 {
                notes.push(format!("{breaks} line breaks and tabs made blanks"));
            }
        }
        (Json::Array(raw), Json::Array(kept)) => {
            for (raw, kept) in raw.iter().zip(kept) {
                changed(raw, kept, notes);
            }
        }
        (Json::Object(raw), Json::Object(kept)) => {
            for (raw, kept) in raw.values().zip(kept.values()) {
                changed(raw, kept, notes);
            }
        }
        _ => {}
    }
}
