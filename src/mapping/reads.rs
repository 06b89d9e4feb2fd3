//! What a mapping reads of a signal and of what was looked up: a test needs no more than that.

use serde_json::{Map, Value as Json};

use super::Mapping;
use crate::expr::{Expr, Names};
use crate::shape::Shape;
use crate::signal::SignalName;

/// Paths below a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads(Vec<Vec<String>>);

/// Something of a mapping that reads.
#[derive(Clone, Copy)]
enum Reader<'m> {
    Expr(&'m Expr),
    Shape(&'m Shape),
}

impl Reader<'_> {
    fn paths(&self, slot: usize) -> Vec<Vec<&str>> {
        match self {
            Self::Expr(expr) => expr.paths(slot),
            Self::Shape(shape) => shape.paths(slot),
        }
    }

    fn uses(&self, name: &str) -> bool {
        match self {
            Self::Expr(expr) => expr.uses(name),
            Self::Shape(shape) => shape.uses(name),
        }
    }
}

impl Mapping {
    /// What it reads of `name` (`signal`, or what a look-up is called) when it judges a signal called
    /// `of`. What a look-up asks with is left aside: a test gives what was found.
    pub fn reads(&self, of: &SignalName, name: &str) -> Reads {
        let mut paths = Vec::new();
        for (names, reader) in self.readers(of) {
            if let Some((slot, _)) = names.find(name) {
                let read = reader.paths(slot).into_iter();
                paths.extend(read.map(|path| path.into_iter().map(str::to_owned).collect()));
            }
        }
        Reads(paths)
    }

    /// Whether what it says of a signal called `of` depends on when that was read.
    pub fn reads_clock(&self, of: &SignalName) -> bool {
        self.readers(of)
            .iter()
            .any(|(_, reader)| reader.uses("now") || reader.uses("received_at"))
    }

    fn readers(&self, of: &SignalName) -> Vec<(&Names, Reader<'_>)> {
        let mut found = Vec::new();
        let alert = &self.alert;
        if self.from == *of {
            let conditions = alert.severity.iter().filter_map(|(_, when)| when.as_ref());
            let exprs = std::iter::once(&self.when)
                .chain(self.lets.iter().map(|(_, expr)| expr))
                .chain(conditions)
                .chain(&alert.at)
                .map(Reader::Expr);
            let maps = [
                &alert.model,
                &alert.measured,
                &alert.fields,
                &alert.evidence,
            ];
            let arguments = self.contain.iter().flat_map(|rule| &rule.with);
            let shapes = maps
                .into_iter()
                .flatten()
                .chain(&alert.same_as)
                .chain(arguments.map(|(_, shape)| shape))
                .map(Reader::Shape);
            found.extend(exprs.chain(shapes).map(|reader| (&self.names, reader)));
        }
        for rule in self.resolve.iter().filter(|rule| rule.from == *of) {
            let names = rule.names.as_ref().unwrap_or(&self.names);
            let key = rule.same_as.as_ref().unwrap_or(&alert.same_as);
            let readers = rule.when.iter().map(Reader::Expr);
            let readers = readers.chain(key.iter().map(Reader::Shape));
            found.extend(readers.map(|reader| (names, reader)));
        }
        found
    }
}

impl Reads {
    /// The value without what is not read. A list is kept as a whole.
    pub fn part_of(&self, value: &Json) -> Json {
        let paths: Vec<&[String]> = self.0.iter().map(Vec::as_slice).collect();
        part(value, &paths)
    }
}

fn part(value: &Json, paths: &[&[String]]) -> Json {
    let Json::Object(map) = value else {
        return value.clone();
    };
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    let mut kept = Map::new();
    for (key, value) in map {
        let below: Vec<&[String]> = paths
            .iter()
            .filter_map(|path| path.split_first().filter(|(first, _)| *first == key))
            .map(|(_, rest)| rest)
            .collect();
        if !below.is_empty() {
            kept.insert(key.clone(), part(value, &below));
        }
    }
    Json::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Type;
    use serde_json::json;

    fn reads(source: &str) -> Reads {
        let names = Names::new()
            .with("signal", Type::Any)
            .with("now", Type::Time);
        let fragment = crate::diag::Fragment::whole("x", source);
        let mut faults = crate::diag::Faults::new();
        let expr = Expr::compile(&fragment, &names, &mut faults).expect("it is sound");
        let paths = expr.paths(0).into_iter();
        Reads(
            paths
                .map(|path| path.into_iter().map(str::to_owned).collect())
                .collect(),
        )
    }

    #[test]
    fn only_what_is_read_is_kept() {
        let value = json!({
            "prompt": "how do I", "score": 1, "labels": { "model": "m", "note": "n" },
            "tags": [{ "key": "a", "value": "b" }], "at": "t",
        });
        for (source, kept) in [
            ("signal.score > 0.5", json!({ "score": 1 })),
            (
                "signal.labels.?model == null && signal[\"score\"] == 1",
                json!({ "score": 1, "labels": { "model": "m" } }),
            ),
            (
                "has(signal.tags) && signal.tags.exists(t, t.key == \"a\")",
                json!({ "tags": [{ "key": "a", "value": "b" }] }),
            ),
            (
                "signal.tags[0].key == signal.labels.note",
                json!({ "labels": { "note": "n" }, "tags": [{ "key": "a", "value": "b" }] }),
            ),
            ("now > timestamp(signal.at)", json!({ "at": "t" })),
            ("signal.gone.?x == signal.score", json!({ "score": 1 })),
            ("default(signal, null) != null", value.clone()),
            ("1 < 2", json!({})),
        ] {
            assert_eq!(reads(source).part_of(&value), kept, "{source}");
        }
    }
}
