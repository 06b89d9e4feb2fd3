//! The sorts of value there are, as a set: what a function takes, what a type can be.

use super::names::Type;
use super::value::Value;

use serde_json::Value as Json;

/// A set of sorts of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sorts(u16);

impl Sorts {
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOL: Self = Self(2);
    pub(super) const NUMBER: Self = Self(4);
    pub(super) const TEXT: Self = Self(8);
    pub(super) const TIME: Self = Self(16);
    pub(super) const DURATION: Self = Self(32);
    pub(super) const SEVERITY: Self = Self(64);
    pub(super) const LIST: Self = Self(128);
    pub(super) const MAP: Self = Self(256);
    pub(super) const ALL: Self = Self(511);

    const WORDS: [(Self, &'static str); 9] = [
        (Self::BOOL, "a truth value"),
        (Self::NUMBER, "a number"),
        (Self::TEXT, "a text"),
        (Self::TIME, "a time"),
        (Self::DURATION, "a duration"),
        (Self::SEVERITY, "a severity"),
        (Self::LIST, "a list"),
        (Self::MAP, "a map"),
        (Self::NULL, "null"),
    ];

    /// Those in either.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those not in `other`.
    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        !self.and(other).is_empty()
    }

    /// What a value of this type can be.
    pub(super) fn of_type(of: &Type) -> Self {
        match of {
            Type::Any => Self::ALL,
            Type::Null => Self::NULL,
            Type::Bool => Self::BOOL,
            Type::Number | Type::Range(_) => Self::NUMBER,
            Type::Text => Self::TEXT,
            Type::Time => Self::TIME,
            Type::Duration => Self::DURATION,
            Type::Severity => Self::SEVERITY,
            Type::List(_) => Self::LIST,
            Type::Object(_) => Self::MAP,
            Type::Values(values) => values.iter().fold(Self(0), |sorts, value| {
                sorts.or(Self::of_value(&Value::from_json(value)))
            }),
            Type::OneOf(types) => types
                .iter()
                .fold(Self(0), |sorts, one| sorts.or(Self::of_type(one))),
        }
    }

    /// What a value is; absent counts as null.
    pub(super) fn of_value(value: &Value<'_>) -> Self {
        match value {
            Value::Absent | Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOL,
            Value::Int(_) | Value::Double(_) => Self::NUMBER,
            Value::Text(_) => Self::TEXT,
            Value::Json(Json::Array(_)) | Value::List(_) => Self::LIST,
            Value::Data(place) if place.is_list() => Self::LIST,
            Value::Json(_) | Value::Data(_) | Value::Written(_) | Value::Map(_) => Self::MAP,
            Value::Time(_) => Self::TIME,
            Value::Duration(_) => Self::DURATION,
            Value::Severity(_) => Self::SEVERITY,
        }
    }

    /// What a value may be compared with by `==` so that the answer is not always the same.
    pub(super) fn equal_to(self) -> Self {
        let mut with = self.or(Self::NULL);
        if self.meets(Self::NULL) {
            return Self::ALL;
        }
        if self.meets(Self::TEXT.or(Self::SEVERITY)) {
            with = with.or(Self::TEXT).or(Self::SEVERITY);
        }
        with
    }

    /// What a value may be ordered with by `<`.
    pub(super) fn ordered_with(self) -> Self {
        self.without(Self::NULL)
            .equal_to()
            .without(Self::NULL.or(Self::LIST).or(Self::MAP))
    }

    /// What to call them in a sentence: "a number or a text".
    pub(super) fn words(self) -> String {
        if self == Self::ALL {
            return "anything".to_owned();
        }
        let words: Vec<&str> = Self::WORDS
            .into_iter()
            .filter(|(sort, _)| self.meets(*sort))
            .map(|(_, word)| word)
            .collect();
        match words.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }
}

impl Type {
    /// Either of the two, as short as it can be said.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let parts = |of: Self| match of {
            Self::OneOf(types) => types,
            single => vec![single],
        };
        let mut types: Vec<Self> = Vec::new();
        for one in parts(self).into_iter().chain(parts(other)) {
            if one == Self::Any {
                return Self::Any;
            }
            if !types.contains(&one) {
                types.push(one);
            }
        }
        match types.len() {
            1 => types.pop().unwrap_or(Self::Any),
            _ => Self::OneOf(types),
        }
    }

    /// Whether a value can be of both.
    #[must_use]
    pub fn can_be(&self, other: &Self) -> bool {
        Sorts::of_type(self).meets(Sorts::of_type(other))
    }

    /// What to call it in a sentence: "a number or a text".
    #[must_use]
    pub fn words(&self) -> String {
        Sorts::of_type(self).words()
    }

    /// The values other than null that it can have, where the schema lists them.
    #[must_use]
    pub fn values(&self) -> Option<Vec<Json>> {
        match self {
            Self::Null => Some(Vec::new()),
            Self::Values(values) => Some(values.clone()),
            Self::OneOf(types) => {
                let all: Option<Vec<_>> = types.iter().map(Self::values).collect();
                all.map(|lists| lists.concat())
            }
            _ => None,
        }
    }

    /// The same without null.
    pub(super) fn without_null(self) -> Self {
        match self {
            Self::OneOf(mut types) => {
                types.retain(|one| *one != Self::Null);
                match types.len() {
                    1 => types.pop().unwrap_or(Self::Any),
                    _ => Self::OneOf(types),
                }
            }
            other => other,
        }
    }

    /// What the items of it are, where it is a list.
    pub(super) fn items(&self) -> Self {
        match self {
            Self::List(items) => (**items).clone(),
            Self::OneOf(types) => types
                .iter()
                .filter(|one| matches!(one, Self::List(_)))
                .map(Self::items)
                .reduce(Self::or)
                .unwrap_or(Self::Any),
            _ => Self::Any,
        }
    }
}
