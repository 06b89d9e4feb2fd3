//! The helpers, and what a value looks like in text. Both ways of rendering use these.

use std::borrow::Cow;

use serde_json::Value;

use super::MOST_ITEMS;
use crate::untrusted;

/// The longest text of data that goes into prose, in graphemes.
const LONGEST_VALUE: usize = 1_000;

/// What a template may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Helper {
    Upper,
    Lower,
    Cut,
    Percent,
    Round,
    Date,
    Join,
    Plural,
    Default,
}

/// A value on its way into text: whether a person wrote it into the template, or data brought it.
#[derive(Debug, Clone)]
pub(super) struct Given<'v> {
    pub(super) value: Cow<'v, Value>,
    pub(super) from_data: bool,
}

impl Helper {
    pub(super) const ALL: [(&'static str, Self); 9] = [
        ("upper", Self::Upper),
        ("lower", Self::Lower),
        ("cut", Self::Cut),
        ("percent", Self::Percent),
        ("round", Self::Round),
        ("date", Self::Date),
        ("join", Self::Join),
        ("plural", Self::Plural),
        ("default", Self::Default),
    ];

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, helper)| *helper)
    }

    /// How it is written, for help lines; and how few and how many parameters it takes.
    pub(super) fn usage(self) -> (&'static str, usize, usize) {
        match self {
            Self::Upper => ("{{upper name}}", 1, 1),
            Self::Lower => ("{{lower name}}", 1, 1),
            Self::Cut => ("{{cut name 80}}", 2, 2),
            Self::Percent => ("{{percent name}} or {{percent name 1}}", 1, 2),
            Self::Round => ("{{round name}} or {{round name 2}}", 1, 2),
            Self::Date => ("{{date name}} or {{date name \"%Y-%m-%d\"}}", 1, 2),
            Self::Join => ("{{join names}} or {{join names \", \"}}", 1, 2),
            Self::Plural => ("{{plural count \"model\" \"models\"}}", 2, 3),
            Self::Default => ("{{default name \"unknown\"}}", 2, 2),
        }
    }

    /// What it gives: a value that is safe for a person, whoever wrote what went in.
    pub(super) fn call(self, given: &[Given<'_>]) -> Value {
        let Some(first) = given.first() else {
            return Value::Null;
        };
        let second = given.get(1);
        match self {
            Self::Upper => first.through(str::to_uppercase).into(),
            Self::Lower => first.through(str::to_lowercase).into(),
            Self::Cut => {
                let at_most = second
                    .and_then(|given| given.value.as_u64())
                    .and_then(|count| usize::try_from(count).ok())
                    .unwrap_or(LONGEST_VALUE);
                untrusted::cut(&first.shown(), at_most).into()
            }
            Self::Percent => match first.number() {
                Some(number) => format!("{}%", decimals(number * 100.0, second, 0)).into(),
                None => first.clean(),
            },
            Self::Round => match first.number() {
                Some(number) => decimals(number, second, 0).into(),
                None => first.clean(),
            },
            Self::Date => first.date(second),
            Self::Join => {
                let separator = second.map_or(Cow::Borrowed(", "), Given::shown);
                joined(first, &separator).into()
            }
            Self::Plural => plural(first, given),
            Self::Default => match (&*first.value, second) {
                (Value::Null, Some(instead)) => instead.clean(),
                (Value::String(text), Some(instead)) if text.is_empty() => instead.clean(),
                _ => first.clean(),
            },
        }
    }
}

impl Given<'_> {
    /// The value as text, safe for a person.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        match &*self.value {
            Value::String(text) if !self.from_data => Cow::Borrowed(text),
            _ => Cow::Owned(self.through(str::to_owned)),
        }
    }

    /// The value's text changed by `change`, then made safe.
    fn through(&self, change: impl Fn(&str) -> String) -> String {
        match &*self.value {
            Value::Null => String::new(),
            Value::Bool(truth) => change(if *truth { "true" } else { "false" }),
            Value::Number(number) => number.to_string(),
            Value::String(text) => safe(change(text), self.from_data),
            Value::Array(_) => change(&joined(self, ", ")),
            Value::Object(map) => safe(
                change(&serde_json::to_string(map).unwrap_or_default()),
                self.from_data,
            ),
        }
    }

    /// The value itself, with every text in it made safe.
    fn clean(&self) -> Value {
        match &*self.value {
            Value::String(text) => safe(text.clone(), self.from_data).into(),
            Value::Array(items) => items
                .iter()
                .take(MOST_ITEMS)
                .map(|item| Value::String(self.with(item).shown().into_owned()))
                .collect(),
            Value::Object(_) => self.shown().into_owned().into(),
            other => other.clone(),
        }
    }

    fn with<'i>(&self, item: &'i Value) -> Given<'i> {
        Given {
            value: Cow::Borrowed(item),
            from_data: self.from_data,
        }
    }

    fn number(&self) -> Option<f64> {
        match &*self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.len() <= 40 => {
                text.parse::<f64>().ok().filter(|number| number.is_finite())
            }
            _ => None,
        }
    }

    /// An instant (RFC 3339, or milliseconds since 1970) in UTC by a strftime form of the template's.
    fn date(&self, form: Option<&Given<'_>>) -> Value {
        let instant: Option<jiff::Timestamp> = match &*self.value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number
                .as_i64()
                .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok()),
            _ => None,
        };
        let Some(instant) = instant else {
            return self.clean();
        };
        let form = match form.map(|form| &*form.value) {
            Some(Value::String(form)) => form.as_str(),
            _ => "%Y-%m-%d %H:%M UTC",
        };
        let zoned = instant.to_zoned(jiff::tz::TimeZone::UTC);
        match jiff::fmt::strtime::format(form, &zoned) {
            Ok(text) => text.into(),
            Err(_) => instant.to_string().into(),
        }
    }
}

/// Whether a strftime form can be used, checked when a template is loaded.
pub(super) fn is_date_form(form: &str) -> bool {
    let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(form, &sample).is_ok()
}

fn safe(text: String, from_data: bool) -> String {
    if from_data {
        untrusted::prose(&text, LONGEST_VALUE)
    } else {
        text
    }
}

fn joined(list: &Given<'_>, separator: &str) -> String {
    let Value::Array(items) = &*list.value else {
        return list.shown().into_owned();
    };
    let mut out = String::new();
    for (index, item) in items.iter().take(MOST_ITEMS).enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        match item {
            // Lists in lists are shown as data, so that nothing here goes deep.
            Value::Array(_) => {
                let text = serde_json::to_string(item).unwrap_or_default();
                out.push_str(&safe(text, list.from_data));
            }
            item => out.push_str(&list.with(item).shown()),
        }
    }
    if items.len() > MOST_ITEMS {
        out.push_str(separator);
        out.push('…');
    }
    out
}

/// `1 model`, `2 models`: the number and its word.
fn plural(count: &Given<'_>, given: &[Given<'_>]) -> Value {
    let number = match &*count.value {
        #[expect(
            clippy::cast_precision_loss,
            clippy::as_conversions,
            reason = "only 1 is told apart"
        )]
        Value::Array(items) => Some(items.len() as f64),
        _ => count.number(),
    };
    let shown = match &*count.value {
        Value::Array(items) => items.len().to_string(),
        _ => count.shown().into_owned(),
    };
    let one = given.get(1).map(|given| given.shown()).unwrap_or_default();
    let single = number == Some(1.0);
    let word = match given.get(2) {
        _ if single => one.into_owned(),
        Some(many) => many.shown().into_owned(),
        None => format!("{one}s"),
    };
    format!("{shown} {word}").into()
}

/// A number with so many decimals, 0 to 6.
fn decimals(number: f64, places: Option<&Given<'_>>, usual: usize) -> String {
    let places = places
        .and_then(|given| given.value.as_u64())
        .and_then(|places| usize::try_from(places).ok())
        .unwrap_or(usual)
        .min(6);
    let text = format!("{number:.places$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest.to_owned(),
        _ => text,
    }
}
