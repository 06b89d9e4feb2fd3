//! Values against what an argument takes: asked of requests when they come, and of what a mapping writes
//! when it is checked.

use serde_json::Value as Json;

use super::{Take, TakeKind};
use crate::expr::Type;
use crate::yaml;

/// The longest argument, as JSON: nothing that a platform takes is near it.
const LONGEST: usize = 256 * 1024;

/// Why an argument does not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why: a sentence without its end.
    pub why: String,
    /// What to write instead, where that is known.
    pub instead: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        match &self.instead {
            Some(instead) => write!(f, "; {instead}"),
            None => Ok(()),
        }
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { why, instead: None }
    }
}

impl Take {
    /// Whether this value, which is not null, cannot be taken; then why.
    pub fn refuses(&self, given: &Json) -> Option<Refusal> {
        if given.to_string().len() > LONGEST {
            return Some(format!("it is longer than {LONGEST} bytes").into());
        }
        if let Some(refusal) = self.refuses_kind(given) {
            return Some(refusal);
        }
        if let (Some(pattern), Some(text)) = (&self.matches, given.as_str())
            && !pattern.is_match(text)
        {
            return Some(format!("it does not match `{}`", written(pattern)).into());
        }
        if !self.one_of.is_empty() && !self.one_of.contains(given) {
            return Some(format!("it is one of {}", self.choices()).into());
        }
        self.refuses_size(given).map(Refusal::from)
    }

    /// Whether no value of this type can be taken; then why. Null is no value: it is asked for.
    pub fn refuses_all(&self, of: &Type) -> Option<Refusal> {
        if let Some(values) = of.values() {
            let refusals: Option<Vec<Refusal>> =
                values.iter().map(|value| self.refuses(value)).collect();
            return refusals?.into_iter().next();
        }
        let types: &[Type] = match self.kind {
            // What has a text of its own stands as that text in JSON.
            TakeKind::Text
            | TakeKind::Url
            | TakeKind::Secret
            | TakeKind::Time
            | TakeKind::Duration => &[Type::Text, Type::Time, Type::Duration, Type::Severity],
            TakeKind::Int | TakeKind::Number => &[Type::Number],
            TakeKind::Bool => &[Type::Bool],
            TakeKind::Object | TakeKind::List => &[],
        };
        let fits = match self.kind {
            TakeKind::Object => of.can_be(&Type::Object(std::sync::Arc::default())),
            TakeKind::List => of.can_be(&Type::List(Box::new(Type::Any))),
            _ => types.iter().any(|one| of.can_be(one)),
        };
        (!fits).then(|| {
            format!(
                "{} is needed, and this is {}",
                self.kind.words(),
                of.words()
            )
            .into()
        })
    }

    /// What may be written, for a help line.
    pub fn wanted(&self) -> String {
        match (&self.matches, self.one_of.is_empty()) {
            (_, false) => format!("one of {}", self.choices()),
            (Some(pattern), _) => format!("a text that matches `{}`", written(pattern)),
            (None, _) => self.kind.words().to_owned(),
        }
    }

    /// Whether it takes only some of the values of its kind.
    pub fn is_choosy(&self) -> bool {
        self.matches.is_some() || !self.one_of.is_empty()
    }

    fn choices(&self) -> String {
        let choices: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
        choices.join(", ")
    }

    fn refuses_kind(&self, given: &Json) -> Option<Refusal> {
        let text = given.as_str();
        let fits = match self.kind {
            TakeKind::Text | TakeKind::Secret => text.is_some(),
            TakeKind::Int => given.is_i64() || given.is_u64(),
            TakeKind::Number => given.is_number(),
            TakeKind::Bool => given.is_boolean(),
            TakeKind::Url => text
                .and_then(|text| url::Url::parse(text).ok())
                .is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()),
            TakeKind::Time => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            TakeKind::Duration => text.and_then(yaml::duration).is_some(),
            TakeKind::Object => given.is_object(),
            TakeKind::List => given.is_array(),
        };
        if fits {
            return (self.kind == TakeKind::Secret).then(|| {
                let why =
                    "a secret cannot be carried by a request yet: it would not survive a restart";
                why.to_owned().into()
            });
        }
        let instead = match (self.kind, given) {
            (TakeKind::Text, Json::Number(number)) => {
                Some(format!("write it as text: \"{number}\""))
            }
            (TakeKind::Int | TakeKind::Number, Json::String(_)) => {
                Some("write it without quotation marks".to_owned())
            }
            _ => None,
        };
        let wanted = self.kind.words();
        Some(Refusal {
            why: format!("{wanted} is needed, and this is {}", what(given)),
            instead,
        })
    }

    fn refuses_size(&self, given: &Json) -> Option<String> {
        let (size, of) = match given {
            Json::String(text) => (
                u32::try_from(text.chars().count()).ok().map(f64::from),
                " characters",
            ),
            Json::Array(items) => (u32::try_from(items.len()).ok().map(f64::from), " items"),
            Json::Number(number) => (number.as_f64(), ""),
            _ => return None,
        };
        let size = size.unwrap_or(f64::MAX);
        match (self.min, self.max) {
            (Some(min), _) if size < min => Some(format!("at least {min}{of} are needed")),
            (_, Some(max)) if size > max => Some(format!("at most {max}{of} are allowed")),
            _ => None,
        }
    }
}

impl TakeKind {
    fn words(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "a text",
            Self::Int => "a whole number",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Url => "an absolute URL of http or https",
            Self::Time => "an RFC 3339 time such as 2026-11-23T08:00:00Z",
            Self::Duration => "a span of time such as 30s",
            Self::Object => "a map",
            Self::List => "a list",
        }
    }
}

/// A pattern as the manifest has it: without what makes it match a text as a whole.
fn written(pattern: &regex::Regex) -> &str {
    let whole = pattern.as_str();
    let inner = whole.strip_prefix("^(?:");
    inner
        .and_then(|rest| rest.strip_suffix(")$"))
        .unwrap_or(whole)
}

fn what(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) => "a number",
        Json::String(_) => "another text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}
