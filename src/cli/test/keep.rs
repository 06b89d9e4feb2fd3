//! What of a signal may stand in a file: what the mapping reads, without what a person or a model may have
//! written, unless somebody says so.
//!
//! Prompts and answers are sentences. A text with blanks or line breaks in it, or a long one, is taken
//! for such; identifiers, words and numbers are not.

use serde_json::{Map, Value as Json};

/// A longer text is no identifier, in characters.
const LONGEST: usize = 100;
/// What to type so that every text is kept.
pub(super) const ALL: &str = "all";

/// What was left out, and where.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The paths whose texts were replaced, such as `labels.summary`.
    pub(super) replaced: Vec<String>,
    /// The paths of maps that lost keys which are texts of their own.
    pub(super) keys: Vec<String>,
    /// What was typed behind `--keep` and is there.
    pub(super) wanted: Vec<String>,
}

impl Kept {
    /// A value without texts that may be content; `keep` names paths that are kept all the same.
    pub(super) fn of(&mut self, value: &Json, path: &str, keep: &[String]) -> Json {
        if let Some(wanted) = keep.iter().find(|wanted| *wanted == path || *wanted == ALL) {
            if !self.wanted.contains(wanted) {
                self.wanted.push(wanted.clone());
            }
            return value.clone();
        }
        match value {
            Json::String(text) if is_content(text) => {
                self.replaced.push(path.to_owned());
                let count = text.chars().count();
                format!("({count} characters, left out)").into()
            }
            Json::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.of(item, &format!("{path}[{index}]"), keep))
                    .collect()
            }
            Json::Object(map) => Json::Object(self.members(map, path, keep)),
            other => other.clone(),
        }
    }

    fn members(
        &mut self,
        map: &Map<String, Json>,
        path: &str,
        keep: &[String],
    ) -> Map<String, Json> {
        let mut kept = Map::new();
        for (key, value) in map {
            if is_content(key) {
                self.keys.push(path.to_owned());
                continue;
            }
            let below = match path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            kept.insert(key.clone(), self.of(value, &below, keep));
        }
        kept
    }
}

fn is_content(text: &str) -> bool {
    text.chars().count() > LONGEST || text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn sentences_are_left_out_and_words_are_not() {
        let value = json!({
            "prompt": "how do I", "model": "fraud-detector", "score": 0.9, "tags": [{ "key": "a", "value": "b c" }],
            "long": "x".repeat(101), "a key of words": 1,
        });
        let mut kept = Kept::default();
        let said = kept.of(&value, "", &["prompt".to_owned()]);
        assert_eq!(
            said,
            json!({
                "prompt": "how do I", "model": "fraud-detector", "score": 0.9,
                "tags": [{ "key": "a", "value": "(3 characters, left out)" }], "long": "(101 characters, left out)",
            })
        );
        assert_eq!(kept.replaced, ["tags[0].value", "long"]);
        assert_eq!(
            (kept.keys, kept.wanted),
            (vec![String::new()], vec!["prompt".to_owned()])
        );
        assert_eq!(Kept::default().of(&value, "", &[ALL.to_owned()]), value);
    }

    proptest! {
        #[test]
        fn no_text_with_a_blank_in_it_is_kept(one in "\\PC{1,8}", other in "\\PC{1,8}") {
            let text = format!("{one} {other}");
            let said = Kept::default().of(&json!({ "x": [text.clone()], text.clone(): { "y": text } }), "", &[]);
            prop_assert!(!said.to_string().contains(&format!("{one} {other}")), "{}", said);
        }
    }
}
