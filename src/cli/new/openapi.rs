//! A connector written from an OpenAPI document: webhooks and callbacks are signals, lists that can be read are
//! polls, and what can be set, read back and set again is an action. The rest is named in a comment.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::connector::{Part, Way};
use super::schema::Document;
use super::signal::made;
use super::{guess, names, text};
use crate::connector::is_name;

/// How many signals and actions are written; what has more is read better one by one.
const MOST: usize = 12;
/// How many other operations are named.
const MOST_NAMED: usize = 60;
/// Methods of an operation.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// What an OpenAPI document gives.
#[derive(Default)]
pub(super) struct Found {
    /// Signals.
    pub(super) parts: Vec<Part>,
    /// Actions, as they stand in `connector.yaml`.
    pub(super) actions: Vec<String>,
    /// `auth:`, and the secrets that it needs.
    pub(super) auth: Option<(String, String)>,
    /// What was not written, a line each.
    pub(super) rest: Vec<String>,
}

/// Whether a document describes an API. An older version is none that can be read.
pub(super) fn is_openapi(document: &Json) -> bool {
    document.get("openapi").is_some() || document.get("swagger").is_some()
}

/// Reads a document; an error is a sentence.
pub(super) fn read(connector: &str, document: &Json) -> Result<Found, String> {
    let version = document
        .get("openapi")
        .and_then(Json::as_str)
        .unwrap_or_default();
    if !version.starts_with("3.") {
        return Err(
            "it is not of OpenAPI 3; make it one (converters for Swagger 2 are many), and use that"
                .to_owned(),
        );
    }
    let document = Document(document);
    let mut found = Found {
        auth: auth(document),
        ..Found::default()
    };
    let mut taken = Vec::new();
    for (name, body) in pushes(document) {
        let examples = document.examples(body);
        found.part(connector, &name, Way::Webhook, examples, &mut taken);
    }
    tell_apart(&mut found.parts);
    for (path, item) in document.entries(document.0, "paths") {
        for method in METHODS {
            let Some(operation) = document.get(item, method) else {
                continue;
            };
            let called = Operation {
                path,
                method,
                item,
                says: operation,
            };
            if !found.poll(connector, document, called, &mut taken)
                && !found.action(document, called)
            {
                found.rest.push(called.told());
            }
        }
    }
    if found.rest.len() > MOST_NAMED {
        let more = found.rest.len() - MOST_NAMED;
        found.rest.truncate(MOST_NAMED);
        found.rest.push(format!("and {more} more"));
    }
    Ok(found)
}

/// What the API sends by itself: its webhooks, and the callbacks of its operations.
fn pushes<'d>(document: Document<'d>) -> Vec<(String, &'d Json)> {
    let mut found = Vec::new();
    let mut take = |name: &str, item: &'d Json| {
        if let Some(body) = document
            .get(item, "post")
            .and_then(|post| document.get(post, "requestBody"))
        {
            found.push((name.to_owned(), body));
        }
    };
    for (name, item) in document.entries(document.0, "webhooks") {
        take(name, item);
    }
    for (_, item) in document.entries(document.0, "paths") {
        for method in METHODS {
            let Some(operation) = document.get(item, method) else {
                continue;
            };
            for (name, callback) in document.entries(operation, "callbacks") {
                for target in callback
                    .as_object()
                    .into_iter()
                    .flat_map(|map| map.values())
                {
                    take(name, document.at(target));
                }
            }
        }
    }
    found
}

/// One operation.
#[derive(Clone, Copy)]
struct Operation<'d> {
    path: &'d str,
    method: &'static str,
    item: &'d Json,
    says: &'d Json,
}

impl<'d> Operation<'d> {
    fn told(self) -> String {
        let said = |key: &str| self.says.get(key).and_then(Json::as_str);
        let about = said("summary")
            .or_else(|| said("operationId"))
            .unwrap_or_default();
        let told = format!("{} {}  {about}", self.method.to_uppercase(), self.path);
        text::comment(told.trim_end())
    }

    fn id(self) -> Option<String> {
        let id = self.says.get("operationId").and_then(Json::as_str);
        id.and_then(names::of_file)
    }

    /// Parameters of the operation and of its path.
    fn parameters(self, document: Document<'d>) -> Vec<&'d Json> {
        [self.item, self.says]
            .into_iter()
            .filter_map(|node| node.get("parameters")?.as_array())
            .flatten()
            .map(|parameter| document.at(parameter))
            .collect()
    }
}

impl Found {
    /// Whether the system is asked for something.
    pub(super) fn asks(&self) -> bool {
        let mut parts = self.parts.iter();
        !self.actions.is_empty() || parts.any(|part| matches!(part.way, Way::Poll { .. }))
    }

    /// Whether it sends something.
    pub(super) fn listens(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part.way, Way::Webhook))
    }

    /// Adds a signal, where its examples make one.
    fn part(
        &mut self,
        connector: &str,
        name: &str,
        way: Way,
        examples: Vec<Json>,
        taken: &mut Vec<String>,
    ) -> bool {
        let plain = names::of_file(name);
        let Some(name) = plain.filter(|name| !taken.contains(name) && self.parts.len() < MOST)
        else {
            self.rest.push(text::comment(&format!("the signal {name}")));
            return false;
        };
        let bodies: Vec<&Json> = examples.iter().collect();
        let is_poll = matches!(way, Way::Poll { .. });
        match made(&format!("{connector}/{name}"), &bodies, is_poll) {
            Ok(made) if !bodies.is_empty() && (!is_poll || made.is_each) => {
                taken.push(name.clone());
                self.parts.push(Part {
                    only_if: made.only_if.clone(),
                    name,
                    way,
                    made,
                    samples: examples,
                });
                true
            }
            _ if is_poll => false,
            _ => {
                self.rest.push(text::comment(&format!(
                    "the signal {name}, of which nothing is described that a mapping could look at"
                )));
                false
            }
        }
    }

    /// A list that can be read without knowing anything.
    fn poll<'d>(
        &mut self,
        connector: &str,
        document: Document<'d>,
        called: Operation<'d>,
        taken: &mut Vec<String>,
    ) -> bool {
        let needs = called
            .parameters(document)
            .iter()
            .any(|parameter| parameter.get("required") == Some(&Json::Bool(true)));
        if called.method != "get" || needs || !is_plain_path(called.path, false) {
            return false;
        }
        let Some(answer) = answer(document, called.says) else {
            return false;
        };
        let last = called.path.rsplit('/').next().unwrap_or_default();
        let name = called.id().unwrap_or_else(|| last.to_owned());
        let way = Way::Poll {
            path: called.path.to_owned(),
        };
        self.part(connector, &name, way, document.examples(answer), taken)
    }

    /// Something of a thing that can be set, read back, and set again.
    fn action<'d>(&mut self, document: Document<'d>, called: Operation<'d>) -> bool {
        if called.method != "patch"
            || self.actions.len() >= MOST
            || !is_plain_path(called.path, true)
        {
            return false;
        }
        let written = || {
            let body = document.get(called.says, "requestBody")?;
            let get = document.get(called.item, "get")?;
            let answer = answer(document, get)?;
            let shown = document.examples(answer).into_iter().next()?;
            let wanted = document.examples(body).into_iter().next()?;
            let same = wanted.as_object()?.iter().find(|(key, value)| {
                value.is_boolean()
                    && text::is_word(key)
                    && shown.get(key.as_str()).is_some_and(Json::is_boolean)
            });
            action(called, same?.0)
        };
        match written() {
            Some(action) => {
                self.actions.push(action);
                true
            }
            None => false,
        }
    }
}

/// What an operation answers when it is well.
fn answer<'d>(document: Document<'d>, operation: &'d Json) -> Option<&'d Json> {
    let answers = document.entries(operation, "responses");
    let fine = answers
        .iter()
        .find(|(status, _)| matches!(status.as_str(), "200" | "2XX" | "default"));
    fine.map(|(_, answer)| *answer)
}

/// Letters, digits and the signs of a plain path; `{name}` where it takes something.
fn is_plain_path(path: &str, takes: bool) -> bool {
    let sign =
        |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c) || (takes && "{}".contains(c));
    path.starts_with('/')
        && path.len() <= 200
        && path.chars().all(sign)
        && !path.split('/').any(|part| matches!(part, "." | ".."))
        && path.contains('{') == takes
}

/// Names that expressions of an action have already.
const OF_ACTIONS: [&str; 12] = [
    "settings", "action", "body", "text", "header", "status", "signal", "item", "before", "now",
    "event", "seen",
];

/// An action that sets a truth value of a thing, and sets it back.
fn action(called: Operation<'_>, property: &str) -> Option<String> {
    let mut path = String::new();
    let mut takes: Vec<String> = Vec::new();
    for (index, piece) in called.path.split('{').enumerate() {
        let Some((name, rest)) = piece.split_once('}').filter(|_| index > 0) else {
            path.push_str(piece);
            continue;
        };
        let plain = names::of_data(&[&[name.to_owned()]]).into_iter().next()?;
        let is_free = is_name(&plain) && !OF_ACTIONS.contains(&plain.as_str());
        if !is_free || takes.contains(&plain) {
            return None;
        }
        let _ = write!(path, "{{{plain}}}{rest}");
        takes.push(plain);
    }
    // A body of one key may be a form, and is no data then.
    let alone = names::of_data(&[&[property.to_owned()]]);
    if !is_name(property) || alone.first().is_none_or(|name| name != property) {
        return None;
    }
    let wanted = "to";
    let kept = format!("was_{property}");
    if takes.iter().any(|take| *take == wanted || *take == kept) {
        return None;
    }
    let words = guess::words(property).join("-");
    let name = names::of_file(&format!("set-{words}"))?;
    let id = called.id().unwrap_or(name);
    let mut arguments = String::new();
    for take in &takes {
        let _ = writeln!(arguments, "      {take}: {{ is: text }}");
    }
    Some(format!(
        "  {id}:\n    # Say what it does to the model, and how much harm it can do: low, medium or high.\n    \
         about: Set {property} of what the path names.\n    risk: high\n    takes:\n{arguments}      {wanted}: {{ is: bool }}\n    \
         before:\n      - get: \"{path}\"\n        keep: {{ {kept}: =body.{property} }}\n    \
         already: {kept} == {wanted}\n    do:\n      - patch: \"{path}\"\n        body: {{ {property}: ={wanted} }}\n    \
         prove:\n      state: {{ get: \"{path}\", until: body.{property} == {wanted}, within: 30s }}\n    \
         ours: body.{property} == {wanted}\n    undo:\n      - patch: \"{path}\"\n        body: {{ {property}: ={kept} }}\n"
    ))
}

/// Where several signals come the same way, and a field of theirs says which it is, it is asked.
fn tell_apart(parts: &mut [Part]) {
    if parts.len() < 2 {
        return;
    }
    let first = |part: &Part, key: &str| -> Option<String> {
        let value = part.samples.first()?.get(key)?.as_str()?;
        (value.len() <= 60).then(|| value.to_owned())
    };
    for key in [
        "event",
        "event_type",
        "type",
        "action",
        "kind",
        "topic",
        "eventType",
    ] {
        let mut said: Vec<String> = parts.iter().filter_map(|part| first(part, key)).collect();
        let all = said.len() == parts.len();
        said.sort();
        said.dedup();
        if all && said.len() == parts.len() {
            for part in parts.iter_mut() {
                if let Some(word) = first(part, key) {
                    part.only_if = format!("body.{key} == {}", text::literal(&word));
                }
            }
            return;
        }
    }
}

/// How the API wants to be told who asks: the first way that Andon has.
fn auth(document: Document<'_>) -> Option<(String, String)> {
    let components = document.get(document.0, "components")?;
    let secret =
        |about: &str| format!("  token: {{ is: secret, optional: true, about: \"{about}\" }}\n");
    document
        .entries(components, "securitySchemes")
        .into_iter()
        .find_map(|(_, scheme)| {
            let says = |key: &str| scheme.get(key).and_then(Json::as_str).unwrap_or_default();
            match (
                says("type"),
                says("scheme").to_lowercase().as_str(),
                says("in"),
            ) {
                ("http", "bearer", _) => Some((
                    "auth: { bearer: token }\n".to_owned(),
                    secret("Bearer token"),
                )),
                ("http", "basic", _) => Some((
                    "auth: { basic: { user: \"=settings.?user\", password: token } }\n".to_owned(),
                    format!(
                        "  user: {{ is: text, optional: true, about: User }}\n{}",
                        secret("Password of that user")
                    ),
                )),
                ("apiKey", _, "header") => {
                    let header = says("name");
                    let plain = !header.is_empty()
                        && header
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
                    plain.then(|| {
                        (
                            format!("auth: {{ header: {header}, secret: token }}\n"),
                            secret("The key of the API"),
                        )
                    })
                }
                _ => None,
            }
        })
}
