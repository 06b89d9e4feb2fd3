//! Reading the keys of a map: which are known, which are missing, which were meant.

use std::time::Duration;

use crate::diag::{Code, Faults, codes};

use super::{Entry, Kind, Node, Style};

/// A map whose keys are known beforehand.
pub struct Fields<'n> {
    node: &'n Node,
    entries: &'n [Entry],
    /// What the map is, for sentences: "a mapping", "`poll`".
    what: &'static str,
}

/// A file without keys and values.
pub const NOT_A_MAP: Code = Code("AND0110");
/// A key that this map does not know.
pub const UNKNOWN_KEY: Code = Code("AND0111");

impl<'n> Fields<'n> {
    /// Takes a map apart. Reports when it is none, and every key that is not in `known`, with the
    /// one that was probably meant. `what` names the map in sentences, such as "a mapping".
    pub fn of(
        node: &'n Node,
        what: &'static str,
        known: &[&str],
        faults: &mut Faults,
    ) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            faults
                .error(
                    codes::WRONG_TYPE,
                    node.place(),
                    format!(
                        "{what} is a map of keys and values, and this is {}",
                        node.what()
                    ),
                )
                .help(format!(
                    "write its keys on lines of their own: {}",
                    known.join(", ")
                ));
            return None;
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let fault = faults.error(
                    UNKNOWN_KEY,
                    entry.key_place(),
                    format!("{what} has no key `{}`", entry.key),
                );
                match crate::diag::nearest(&entry.key, known.iter().copied()) {
                    Some(meant) => fault
                        .label(format!("did you mean `{meant}`?"))
                        .help(format!("write `{meant}:`")),
                    None => fault.help(format!("its keys are {}", known.join(", "))),
                };
            }
        }
        Some(Self {
            node,
            entries,
            what,
        })
    }

    /// Takes a map apart whose keys were checked already.
    pub fn checked(node: &'n Node, what: &'static str) -> Self {
        Self {
            node,
            entries: node.as_map().unwrap_or_default(),
            what,
        }
    }

    /// The value of a key, where it is written.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and its value, where it is written.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that must be there.
    pub fn require(&self, key: &str, help: &str, faults: &mut Faults) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            faults
                .error(
                    codes::MISSING_KEY,
                    self.node.head(),
                    format!("{} needs the key `{key}`", self.what),
                )
                .help(help);
        }
        found
    }

    /// The map itself.
    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// A text, also a number or truth value as written; `None` when the key is not there or another
    /// type (reported).
    pub fn text(&self, key: &str, faults: &mut Faults) -> Option<String> {
        let node = self.get(key)?;
        text_of(node, key, faults).map(str::to_owned)
    }

    /// A text that must be there and not be empty.
    pub fn required_text(&self, key: &str, help: &str, faults: &mut Faults) -> Option<String> {
        let node = self.require(key, help, faults)?;
        let text = text_of(node, key, faults)?;
        if text.trim().is_empty() {
            wrong(
                node,
                key,
                "a text that is not empty",
                help.to_owned(),
                faults,
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// A whole number from 0.
    pub fn whole_number(&self, key: &str, faults: &mut Faults) -> Option<u64> {
        let node = self.get(key)?;
        let found = node
            .as_scalar()
            .and_then(|scalar| scalar.to_json().as_u64());
        if found.is_none() {
            wrong(
                node,
                key,
                "a whole number",
                format!("write {key}: 10"),
                faults,
            );
        }
        found
    }

    /// `true` or `false`.
    pub fn truth(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        let node = self.get(key)?;
        let found = node
            .as_scalar()
            .and_then(|scalar| scalar.to_json().as_bool());
        if found.is_none() {
            let help = format!("write {key}: true or {key}: false, without quotes");
            wrong(node, key, "true or false", help, faults);
        }
        found
    }

    /// A span of time, such as `30s`; see [`super::duration`].
    pub fn duration(&self, key: &str, faults: &mut Faults) -> Option<Duration> {
        let node = self.get(key)?;
        let found = node.as_text().and_then(super::duration);
        if found.is_none() {
            let number = node.as_text().filter(|text| text.parse::<u64>().is_ok());
            let help = format!(
                "write {key}: {}s, with one of the units ms, s, m, h, d",
                number.unwrap_or("30")
            );
            wrong(node, key, "a span of time", help, faults);
        }
        found
    }

    /// A size in bytes, such as `64KB` or a plain number; see [`super::byte_size`].
    pub fn bytes_size(&self, key: &str, faults: &mut Faults) -> Option<u64> {
        let node = self.get(key)?;
        let found = node.as_text().and_then(super::byte_size);
        if found.is_none() {
            let help = format!("write {key}: 64KB, with one of the units KB, MB, GB");
            wrong(node, key, "a size", help, faults);
        }
        found
    }

    /// The items of a list; none where nothing is written. Another type is reported.
    pub fn items(&self, key: &str, faults: &mut Faults) -> &'n [Node] {
        match self.get(key).map(|node| (node, &node.kind)) {
            None | Some((_, Kind::Null)) => &[],
            Some((_, Kind::List(items))) => items,
            Some((node, Kind::Scalar(_) | Kind::Map(_))) => {
                let help = match node.as_text() {
                    Some(text) => format!("write {key}: [{}]", super::places::quoted(text)),
                    None => format!("write {key}: and under it lines that begin with `- `"),
                };
                wrong(node, key, "a list", help, faults);
                &[]
            }
        }
    }

    /// The keys and values of a map whose keys are free; none where nothing is written. Another type is
    /// reported.
    pub fn entries(&self, key: &str, faults: &mut Faults) -> &'n [Entry] {
        match self.get(key).map(|node| (node, &node.kind)) {
            None | Some((_, Kind::Null)) => &[],
            Some((_, Kind::Map(entries))) => entries,
            Some((node, Kind::Scalar(_) | Kind::List(_))) => {
                let help = format!("write {key}: and under it lines such as `name: …`");
                wrong(node, key, "a map of names and values", help, faults);
                &[]
            }
        }
    }

    /// A list of texts; a text alone is a list of one. Items of another type are reported and left out.
    pub fn list_of_text(&self, key: &str, faults: &mut Faults) -> Option<Vec<String>> {
        let node = self.get(key)?;
        match &node.kind {
            Kind::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| text_of(item, key, faults).map(str::to_owned))
                    .collect(),
            ),
            Kind::Scalar(_) => Some(vec![node.as_text()?.to_owned()]),
            Kind::Null | Kind::Map(_) => {
                let help = format!("write {key}: [first, second]");
                wrong(node, key, "a list of texts", help, faults);
                None
            }
        }
    }
}

fn text_of<'n>(node: &'n Node, key: &str, faults: &mut Faults) -> Option<&'n str> {
    let found = node.as_text();
    if found.is_none() {
        wrong(node, key, "a text", format!("write {key}: \"…\""), faults);
    }
    found
}

/// Reports a value of another type than the key takes, in one sentence.
fn wrong(node: &Node, key: &str, wanted: &str, help: String, faults: &mut Faults) {
    let found = match node.as_scalar() {
        Some(scalar) if scalar.style == Style::Quoted => "a text in quotes",
        _ => node.what(),
    };
    let sentence = match (node.as_text(), found) {
        (Some(text), _) if !text.is_empty() => {
            format!(
                "`{key}` is {wanted}, and this is `{}`",
                super::tree::shown(text)
            )
        }
        _ => format!("`{key}` is {wanted}, and this is {found}"),
    };
    faults
        .error(codes::WRONG_TYPE, node.head(), sentence)
        .help(help);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Format, Source, render};

    #[test]
    fn values_are_read_by_their_type() {
        let source = Source::new(
            "x.yaml",
            "a: 1.10\nb: 12\nc: true\nd: 5m\ne: 64KB\nf: [x, y]\ng: one\n",
        );
        let mut faults = Faults::new();
        let node = crate::yaml::parse(&source, &mut faults).unwrap();
        let known = ["a", "b", "c", "d", "e", "f", "g"];
        let fields = Fields::of(&node, "a thing", &known, &mut faults).unwrap();
        assert_eq!(fields.text("a", &mut faults), Some("1.10".to_owned()));
        assert_eq!(fields.whole_number("b", &mut faults), Some(12));
        assert_eq!(fields.truth("c", &mut faults), Some(true));
        assert_eq!(
            fields.duration("d", &mut faults),
            Some(Duration::from_mins(5))
        );
        assert_eq!(fields.bytes_size("e", &mut faults), Some(64_000));
        assert_eq!(
            fields.list_of_text("f", &mut faults),
            Some(vec!["x".to_owned(), "y".to_owned()])
        );
        assert_eq!(
            fields.list_of_text("g", &mut faults),
            Some(vec!["one".to_owned()])
        );
        assert_eq!(fields.text("h", &mut faults), None);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_wrong_type_is_said_in_one_sentence() {
        let source = Source::new(
            "x.yaml",
            "a: [1]\nb: 1.5\nc: \"true\"\nd: 5\ne: many\nf: { x: y }\ng: \"\"\n",
        );
        let mut faults = Faults::new();
        let node = crate::yaml::parse(&source, &mut faults).unwrap();
        let known = ["a", "b", "c", "d", "e", "f", "g"];
        let fields = Fields::of(&node, "a thing", &known, &mut faults).unwrap();
        fields.text("a", &mut faults);
        fields.whole_number("b", &mut faults);
        fields.truth("c", &mut faults);
        fields.duration("d", &mut faults);
        fields.bytes_size("e", &mut faults);
        fields.list_of_text("f", &mut faults);
        fields.required_text("g", "write g: name", &mut faults);
        insta::assert_snapshot!(render(&faults.into_sorted(), Format::Text { color: false }), @r#"
    error[AND0113]: `a` is a text, and this is a list
     --> x.yaml:1:4
      |
    1 | a: [1]
      |    ^^^
      = help: write a: "…"

    error[AND0113]: `b` is a whole number, and this is `1.5`
     --> x.yaml:2:4
      |
    2 | b: 1.5
      |    ^^^
      = help: write b: 10

    error[AND0113]: `c` is true or false, and this is `true`
     --> x.yaml:3:4
      |
    3 | c: "true"
      |    ^^^^^^
      = help: write c: true or c: false, without quotes

    error[AND0113]: `d` is a span of time, and this is `5`
     --> x.yaml:4:4
      |
    4 | d: 5
      |    ^
      = help: write d: 5s, with one of the units ms, s, m, h, d

    error[AND0113]: `e` is a size, and this is `many`
     --> x.yaml:5:4
      |
    5 | e: many
      |    ^^^^
      = help: write e: 64KB, with one of the units KB, MB, GB

    error[AND0113]: `f` is a list of texts, and this is a map
     --> x.yaml:6:4
      |
    6 | f: { x: y }
      |    ^^^^^^^^
      = help: write f: [first, second]

    error[AND0113]: `g` is a text that is not empty, and this is a text in quotes
     --> x.yaml:7:4
      |
    7 | g: ""
      |    ^^
      = help: write g: name
    "#);
    }
}
