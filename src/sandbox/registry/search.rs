//! Searching: filter, order, pages. The subset that pollers use; anything else is refused.

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::shelf::{Refused, Shelf};

/// MLflow's own default and most of `max_results`.
const MODELS_BY_DEFAULT: usize = 100;
const MODELS_AT_MOST: usize = 1000;
const VERSIONS_AT_MOST: usize = 200_000;

/// What a search asks for; `order_by` may be given more than once.
#[derive(Debug, Default)]
pub(super) struct Asked {
    max_results: Option<usize>,
    filter: Option<String>,
    order_by: Vec<String>,
    offset: usize,
}

impl Asked {
    pub(super) fn from_query(query: &[(String, String)]) -> Result<Self, Refused> {
        let mut asked = Self::default();
        for (key, value) in query {
            match key.as_str() {
                "max_results" => asked.max_results = Some(whole(value)?),
                "filter" if !value.trim().is_empty() => asked.filter = Some(value.clone()),
                "order_by" => asked.order_by.push(value.clone()),
                "page_token" if !value.is_empty() => asked.offset = offset(value)?,
                _ => {}
            }
        }
        Ok(asked)
    }

    fn page(
        &self,
        all: Vec<Value>,
        key: &str,
        by_default: usize,
        at_most: usize,
    ) -> Result<Value, Refused> {
        let size = self.max_results.unwrap_or(by_default);
        if size == 0 || size > at_most {
            return Err(Refused::invalid(format!(
                "Invalid value for request parameter max_results. It must be at most {at_most}, but got value {size}"
            )));
        }
        let end = self.offset.saturating_add(size);
        let more = all.len() > end;
        let items: Vec<Value> = all.into_iter().skip(self.offset).take(size).collect();
        let mut answer = Map::new();
        // An empty list is left out altogether (captured).
        if !items.is_empty() {
            answer.insert(key.to_owned(), items.into());
        }
        if more {
            let token = BASE64.encode(format!("{{\"offset\": {end}}}").as_bytes());
            answer.insert("next_page_token".to_owned(), token.into());
        }
        Ok(Value::Object(answer))
    }
}

/// `registered-models/search`.
pub(super) fn models(shelf: &Shelf, asked: &Asked) -> Result<Value, Refused> {
    let wanted = asked
        .filter
        .as_deref()
        .map(|filter| clause(filter, &["name"]))
        .transpose()?;
    let mut found: Vec<(&String, i64)> = shelf
        .models
        .iter()
        .filter(|(name, _)| {
            wanted
                .as_ref()
                .is_none_or(|(_, value)| *value == name.as_str())
        })
        .map(|(name, model)| (name, model.updated))
        .collect();
    if let Some((by, down)) = order(asked, &["name", "last_updated_timestamp", "timestamp"])? {
        found.sort_by(|a, b| {
            let way = if by == "name" {
                a.0.cmp(b.0)
            } else {
                a.1.cmp(&b.1)
            };
            if down { way.reverse() } else { way }.then_with(|| a.0.cmp(b.0))
        });
    }
    let shown = found
        .iter()
        .map(|(name, _)| shelf.show_model(name))
        .collect::<Result<_, _>>()?;
    asked.page(
        shown,
        "registered_models",
        MODELS_BY_DEFAULT,
        MODELS_AT_MOST,
    )
}

/// `model-versions/search`; without an order the latest changed comes first.
pub(super) fn versions(shelf: &Shelf, asked: &Asked) -> Result<Value, Refused> {
    let keys = ["name", "run_id", "version_number", "source_path"];
    let wanted = asked
        .filter
        .as_deref()
        .map(|filter| clause(filter, &keys))
        .transpose()?;
    let order = order(
        asked,
        &[
            "name",
            "version_number",
            "creation_timestamp",
            "last_updated_timestamp",
        ],
    )?;
    let mut found = Vec::new();
    for (name, model) in &shelf.models {
        for (number, version) in &model.versions {
            let fits = wanted.as_ref().is_none_or(|(key, value)| match *key {
                "name" => name == value,
                "run_id" => version.new.run_id.as_deref() == Some(value),
                "version_number" => number.to_string() == *value,
                _ => version.new.source == *value,
            });
            if fits {
                found.push((name, *number, version.created));
            }
        }
    }
    let (by, down) = order.unwrap_or(("last_updated_timestamp", true));
    found.sort_by(|a, b| {
        let way = match by {
            "name" => a.0.cmp(b.0),
            "version_number" => a.1.cmp(&b.1),
            _ => a.2.cmp(&b.2),
        };
        let way = if down { way.reverse() } else { way };
        way.then_with(|| a.0.cmp(b.0)).then_with(|| b.1.cmp(&a.1))
    });
    let shown = found
        .iter()
        .map(|(name, number, _)| shelf.show_version(name, *number, false))
        .collect::<Result<_, _>>()?;
    asked.page(shown, "model_versions", VERSIONS_AT_MOST, VERSIONS_AT_MOST)
}

/// One comparison: `key = 'value'`.
fn clause<'a>(filter: &'a str, keys: &[&'static str]) -> Result<(&'static str, &'a str), Refused> {
    let bad = || Refused::invalid(format!("Invalid clause(s) in filter string: '{filter}'"));
    let key_end = filter
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .ok_or_else(bad)?;
    let (key, rest) = filter.split_at(key_end);
    let Some(known) = keys.iter().find(|known| **known == key) else {
        let valid: Vec<String> = keys.iter().map(|key| format!("'{key}'")).collect();
        return Err(Refused::invalid(format!(
            "Invalid attribute key '{key}' specified. Valid keys are '{{{}}}'",
            valid.join(", ")
        )));
    };
    let value = rest.trim().strip_prefix('=').ok_or_else(bad)?.trim();
    let quoted = value
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''));
    Ok((known, quoted.unwrap_or(value)))
}

/// The first order given: a key and whether it goes down.
fn order(asked: &Asked, keys: &[&'static str]) -> Result<Option<(&'static str, bool)>, Refused> {
    let Some(text) = asked.order_by.first() else {
        return Ok(None);
    };
    let mut words = text.split_whitespace();
    let key = words.next().unwrap_or_default();
    let down = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("desc"));
    keys.iter()
        .find(|known| **known == key)
        .map(|known| Some((*known, down)))
        .ok_or_else(|| Refused::invalid(format!("Invalid order by key '{key}' specified.")))
}

fn whole(text: &str) -> Result<usize, Refused> {
    text.parse().map_err(|_| {
        Refused::invalid(format!(
            "Invalid value {text} for parameter 'max_results' supplied."
        ))
    })
}

fn offset(token: &str) -> Result<usize, Refused> {
    BASE64
        .decode(token.as_bytes())
        .ok()
        .and_then(|plain| serde_json::from_slice::<Value>(&plain).ok())
        .unwrap_or(json!(null))
        .get("offset")
        .and_then(Value::as_u64)
        .and_then(|offset| usize::try_from(offset).ok())
        .ok_or_else(|| Refused::invalid("Invalid page token, could not base64-decode".to_owned()))
}
