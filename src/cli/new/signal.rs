//! A signal of a new connector, made of samples: what of a body mappings see, what tells it from other
//! bodies, its id and its time.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::field::{Field, Look, Sort, is_key};
use super::guess::Guess;
use super::{infer, names, text};
use crate::yaml;

/// Keys of lists whose items are signals of their own; the first that is found counts.
const LISTS: [&str; 18] = [
    "alerts",
    "events",
    "findings",
    "detections",
    "incidents",
    "violations",
    "issues",
    "tests",
    "checks",
    "results",
    "records",
    "entries",
    "items",
    "logs",
    "data",
    "values",
    "notifications",
    "signals",
];
/// How many fields of a body mappings see.
const MOST: usize = 48;

/// A signal, but for how it arrives.
pub(super) struct Made {
    /// Its lines in `connector.yaml` behind how it arrives, indented by four.
    pub(super) lines: String,
    /// A condition that tells its bodies from others.
    pub(super) only_if: String,
    /// Whether a body holds a list of them.
    pub(super) is_each: bool,
    /// The data of what the samples hold.
    pub(super) data: Vec<Json>,
    /// Their schema.
    pub(super) schema: Json,
}

/// Makes a signal of samples; an error is a sentence that says why it cannot be.
/// `is_state`: they are things that are, and have to be told from one another at every look.
pub(super) fn made(title: &str, bodies: &[&Json], is_state: bool) -> Result<Made, String> {
    let items = items(bodies)?;
    let fields = fields(&items);
    let guess = Guess::of(&fields);
    let seen: Vec<&Field> = guess.plain.iter().take(MOST).copied().collect();
    if seen.is_empty() {
        return Err(if guess.content.is_empty() {
            "there is no field in it that a mapping could look at".to_owned()
        } else {
            let keys: Vec<String> = guess.content.iter().map(|field| field.path()).collect();
            format!(
                "all of it is text that people or models write, or is private ({}), and such text stays out of alerts",
                text::comment(&keys.join(", "))
            )
        });
    }
    let keys: Vec<&[String]> = seen.iter().map(|field| field.keys.as_slice()).collect();
    let seen: Vec<(String, &Field)> = names::of_data(&keys).into_iter().zip(seen).collect();
    let data: Vec<Json> = items
        .pairs
        .iter()
        .map(|(body, item)| data(&seen, body, item))
        .collect();
    let documents: Vec<&Json> = data.iter().collect();
    let about = format!("Seen in {} so far.", counted(data.len()));
    Ok(Made {
        lines: lines(&items, &guess, &seen, is_state),
        only_if: only_if(bodies, &items),
        is_each: items.each.is_some(),
        schema: infer::schema(title, &about, &documents),
        data,
    })
}

fn counted(count: usize) -> String {
    match count {
        1 => "one sample".to_owned(),
        many => format!("{many} samples"),
    }
}

/// What of the bodies is a signal.
struct Items<'b> {
    /// Each body, with the item of it that is a signal: itself, where it is one.
    pairs: Vec<(&'b Json, &'b Json)>,
    /// The list in the body, as an expression, and its key; an empty key where the body is the list.
    each: Option<(String, String)>,
    /// Lists of maps that were not taken.
    others: Vec<String>,
}

fn items<'b>(bodies: &[&'b Json]) -> Result<Items<'b>, String> {
    let is_list = |value: &Json| {
        value
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(Json::is_object))
    };
    if !bodies.is_empty() && bodies.iter().all(|body| is_list(body)) {
        return Ok(Items {
            pairs: of_lists(bodies, |body| body.as_array()),
            each: Some(("body".to_owned(), String::new())),
            others: Vec::new(),
        });
    }
    if let Some(odd) = bodies.iter().find(|body| !body.is_object()) {
        return Err(match odd {
            Json::Array(items) if items.is_empty() => {
                "it is an empty list, which shows nothing of what is in it".to_owned()
            }
            Json::Array(_) => "it is a list of something else than maps".to_owned(),
            Json::Null => "it is null".to_owned(),
            Json::Bool(_) => "it is a single truth value".to_owned(),
            Json::Number(_) => "it is a single number".to_owned(),
            _ => "it is a single text".to_owned(),
        } + "; a signal is a map of fields, or a list of such");
    }
    let mut lists: Vec<&String> = Vec::new();
    for (key, value) in bodies.iter().filter_map(|body| body.as_object()).flatten() {
        if is_list(value) && !lists.contains(&key) {
            lists.push(key);
        }
    }
    let in_all = |key: &str| {
        bodies
            .iter()
            .all(|body| body.get(key).is_some_and(|value| value.is_array()))
    };
    let taken = LISTS
        .iter()
        .find_map(|known| lists.iter().find(|key| **key == known && in_all(known)));
    let others = lists
        .iter()
        .filter(|key| Some(*key) != taken)
        .map(|key| (*key).clone())
        .collect();
    Ok(match taken {
        Some(key) => Items {
            pairs: of_lists(bodies, |body| body.get(key.as_str())?.as_array()),
            each: Some((
                text::path("body", std::slice::from_ref(*key), 1),
                (*key).clone(),
            )),
            others,
        },
        None => Items {
            pairs: bodies.iter().map(|body| (*body, *body)).collect(),
            each: None,
            others,
        },
    })
}

fn of_lists<'b>(
    bodies: &[&'b Json],
    list: impl Fn(&'b Json) -> Option<&'b Vec<Json>>,
) -> Vec<(&'b Json, &'b Json)> {
    bodies
        .iter()
        .flat_map(|body| list(body).into_iter().flatten().map(|item| (*body, item)))
        .collect()
}

/// The fields of each item, and of the body around it those that say something of all its items.
fn fields(items: &Items<'_>) -> Vec<Field> {
    let of = |root: &'static str, documents: &[&Json]| {
        let look = Look {
            root,
            known: None,
            whole: true,
        };
        look.fields(documents)
    };
    let Some((_, list)) = &items.each else {
        let bodies: Vec<&Json> = items.pairs.iter().map(|(body, _)| *body).collect();
        return of("body", &bodies);
    };
    let inner: Vec<&Json> = items.pairs.iter().map(|(_, item)| *item).collect();
    let outer: Vec<&Json> = items.pairs.iter().map(|(body, _)| *body).collect();
    let around = of("body", &outer)
        .into_iter()
        .filter(|field| field.sort != Sort::Other && field.keys.first() != Some(list));
    of("item", &inner).into_iter().chain(around).collect()
}

fn data(seen: &[(String, &Field)], body: &Json, item: &Json) -> Json {
    let mut data = Map::new();
    for (name, field) in seen {
        let document = if field.root == "item" { item } else { body };
        if let Some(value) = field.of(document) {
            data.insert(name.clone(), value.clone());
        }
    }
    Json::Object(data)
}

fn lines(
    items: &Items<'_>,
    guess: &Guess<'_>,
    seen: &[(String, &Field)],
    is_state: bool,
) -> String {
    let mut out = String::new();
    if let Some((each, _)) = &items.each {
        let _ = writeln!(out, "    each: {}", yaml::text(&format!("={each}")));
    }
    if !items.others.is_empty() {
        let _ = writeln!(
            out,
            "    # Lists in the body that could be signals of their own: {}",
            text::comment(&items.others.join(", "))
        );
    }
    out.push_str(&id(items, guess, is_state));
    out.push_str(&at(items, guess));
    out.push_str("    # What mappings see, and what the schema describes.\n    data:\n");
    for (name, field) in seen {
        let _ = writeln!(
            out,
            "      {}: {}",
            yaml::key(name),
            yaml::text(&format!("={}", field.path()))
        );
    }
    let paths = |fields: &mut dyn Iterator<Item = &&Field>| {
        let paths: Vec<String> = fields.map(|field| field.path()).collect();
        text::comment(&paths.join(", "))
    };
    if guess.plain.len() > seen.len() {
        let _ = writeln!(
            out,
            "      # There is more: {}",
            paths(&mut guess.plain.iter().skip(seen.len()))
        );
    }
    if !guess.content.is_empty() {
        let _ = writeln!(
            out,
            "      # Left out, because people or models write it, or because it is private: {}",
            paths(&mut guess.content.iter())
        );
    }
    out
}

/// What the sender calls one event, or one thing: always there, and another in each.
fn id(items: &Items<'_>, guess: &Guess<'_>, is_state: bool) -> String {
    let root = if items.each.is_some() { "item" } else { "body" };
    let fits = |field: &&Field| field.root == root && field.is_sure();
    let named = guess.subjects.iter().copied().filter(|_| is_state);
    let (found, about) = match (guess.event_id.filter(fits), named.clone().find(fits)) {
        (_, Some(name)) => (Some(name), "What tells one from another."),
        (Some(id), None) => (
            Some(id),
            "The same id is the same event, however often it is sent.",
        ),
        (None, None) => (None, ""),
    };
    match found {
        Some(field) => format!(
            "    # {about}\n    id: {}\n",
            yaml::text(&format!("={}", field.path()))
        ),
        None if is_state => "    # id: what tells one from another, such as its name; without it, each change is a new one.\n".to_owned(),
        None => "    # id: what the sender calls one event; without it, the same data are the same event.\n".to_owned(),
    }
}

/// When it happened: a time that is one in every sample.
fn at(items: &Items<'_>, guess: &Guess<'_>) -> String {
    let inner = |field: &&&Field| items.each.is_none() || field.root == "item";
    let inner_first = guess
        .times
        .iter()
        .filter(inner)
        .chain(guess.times.iter().filter(|field| !inner(field)));
    let found = inner_first.copied().find_map(time);
    match found {
        Some(time) => format!("    at: {}\n", yaml::text(&format!("={time}"))),
        None => "    # at: when it happened (RFC 3339, or timestamp(body.…, \"ms\")); without it, when it arrived.\n".to_owned(),
    }
}

fn time(field: &Field) -> Option<String> {
    let path = field.path();
    let time = match field.sort {
        Sort::Text if field.texts().next().is_some() && field.texts().all(infer::is_time) => path,
        Sort::Number => {
            let unit = unit(field)?;
            if !field.is_sure() {
                return None;
            }
            format!("timestamp({path}, \"{unit}\")")
        }
        _ => return None,
    };
    Some(if field.is_sure() {
        time
    } else {
        format!("default({time}, received_at)")
    })
}

/// In which unit numbers count from 1970: all of them between the years 2001 and 2100.
fn unit(field: &Field) -> Option<&'static str> {
    let fits = |unit: f64| {
        field
            .numbers()
            .all(|number| (1.0e9..4.1e9).contains(&(number / unit)))
    };
    field.numbers().next()?;
    [("s", 1.0), ("ms", 1.0e3), ("us", 1.0e6), ("ns", 1.0e9)]
        .into_iter()
        .find(|(_, size)| fits(*size))
        .map(|(unit, _)| unit)
}

/// A condition that these bodies meet and others hardly do: keys that all of them have.
fn only_if(bodies: &[&Json], items: &Items<'_>) -> String {
    if items.each.as_ref().is_some_and(|(_, key)| key.is_empty()) {
        return "size(body) > 0".to_owned();
    }
    let first = bodies.first().and_then(|body| body.as_object());
    let in_all =
        |key: &&String| is_key(key) && bodies.iter().all(|body| body.get(key.as_str()).is_some());
    let mut keys: Vec<&String> = first
        .into_iter()
        .flat_map(|map| map.keys())
        .filter(in_all)
        .collect();
    if let Some((_, list)) = &items.each {
        keys.sort_by_key(|key| *key != list);
    }
    let has = |key: &String| format!("has({})", text::path("body", std::slice::from_ref(key), 1));
    let asked: Vec<String> = keys.into_iter().take(3).map(has).collect();
    if asked.is_empty() {
        "size(body) > 0".to_owned()
    } else {
        asked.join(" && ")
    }
}
