//! A stream's declaration, and what it does to records without a word.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A field longer than this is cut silently (Azure Monitor limits, custom logs): 64 KB.
const FIELD_AT_MOST: usize = 65_536;

/// A stream of a data collection rule.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Such as `Custom-Andon_CL`.
    pub name: String,
    /// The columns it declares; nothing else arrives.
    pub columns: Vec<Column>,
}

/// One declared column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Begins with a letter, at most 45 letters, digits and `_`.
    pub name: String,
    /// Its type.
    pub of: ColumnType,
}

/// The types that a custom table knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Any text.
    String,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// A double.
    Real,
    /// True or false.
    Boolean,
    /// ISO 8601.
    DateTime,
    /// Any JSON.
    Dynamic,
}

impl ColumnType {
    /// Reads the word of a table definition or stream declaration: `string`, `dateTime` …
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "string" | "guid" => Self::String,
            "int" => Self::Int,
            "long" => Self::Long,
            "real" => Self::Real,
            "boolean" | "bool" => Self::Boolean,
            "datetime" => Self::DateTime,
            "dynamic" => Self::Dynamic,
            _ => return None,
        })
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Int => value
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok()),
            Self::Long => value.is_i64(),
            Self::Real => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::DateTime => instant(value).is_some(),
            Self::Dynamic => true,
        }
    }
}

impl Stream {
    /// A stream from pairs of column name and type word; a word that is no type is dynamic.
    pub fn new(name: &str, columns: &[(&str, &str)]) -> Self {
        let column = |(name, word): &(&str, &str)| Column {
            name: (*name).to_owned(),
            of: ColumnType::from_word(word).unwrap_or(ColumnType::Dynamic),
        };
        Self {
            name: name.to_owned(),
            columns: columns.iter().map(column).collect(),
        }
    }

    /// What arrives of a record, and what was lost on the way.
    pub(super) fn ingest(&self, record: Map<String, Value>) -> (Map<String, Value>, Vec<String>) {
        let mut arrived = Map::new();
        let mut lost = Vec::new();
        for (name, value) in record {
            let Some(column) = self.columns.iter().find(|column| column.name == name) else {
                lost.push(format!("{name}: not declared"));
                continue;
            };
            if !value.is_null() && !column.of.fits(&value) {
                lost.push(format!("{name}: wrong type"));
                arrived.insert(name, Value::Null);
                continue;
            }
            let (value, was_cut) = cut(value);
            if was_cut {
                lost.push(format!("{name}: cut"));
            }
            arrived.insert(name, value);
        }
        (arrived, lost)
    }
}

/// A long text keeps its first 64 KB; a long dynamic value becomes the cut text of itself (that it
/// becomes text is an assumption: the page says only that longer values are truncated).
fn cut(value: Value) -> (Value, bool) {
    let long = match &value {
        Value::String(text) => text.len() > FIELD_AT_MOST,
        Value::Array(_) | Value::Object(_) => value.to_string().len() > FIELD_AT_MOST,
        _ => false,
    };
    if !long {
        return (value, false);
    }
    let text = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let end = text.floor_char_boundary(FIELD_AT_MOST);
    (text.get(..end).unwrap_or_default().into(), true)
}

/// The instant of a record, where it has one.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_declared_or_of_the_wrong_type_is_lost_without_a_word() {
        let stream = Stream::new(
            "Custom-T",
            &[
                ("TimeGenerated", "datetime"),
                ("N", "int"),
                ("S", "string"),
                ("D", "dynamic"),
            ],
        );
        let record = json!({
            "TimeGenerated": "2026-11-23T08:00:00Z", "N": "3", "S": "x".repeat(70_000),
            "D": { "a": 1 }, "Extra": true,
        });
        let Value::Object(record) = record else {
            panic!()
        };
        let (arrived, lost) = stream.ingest(record);
        assert_eq!(arrived["TimeGenerated"], "2026-11-23T08:00:00Z");
        assert_eq!(arrived["N"], Value::Null);
        assert_eq!(arrived["S"].as_str().unwrap().len(), 65_536);
        assert_eq!(arrived["D"], json!({ "a": 1 }));
        assert!(!arrived.contains_key("Extra"));
        assert_eq!(lost, ["N: wrong type", "S: cut", "Extra: not declared"]);
    }
}
