//! How a test of a mapping went: what it wanted beside what came, key by key.

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// What has to come of a signal, and what comes of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Gives {
    /// No alert.
    Nothing,
    /// An alert is over.
    Resolved,
    /// An alert: of a test, the parts that have to match; of a mapping, all of them.
    Alert(Map<String, Json>),
}

/// What came of a signal; else why nothing could.
pub type Came = Result<Gives, String>;

/// How a test went.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// As it has to.
    Passed,
    /// Otherwise.
    Failed(Failure),
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What it wants, for each signal.
    pub wanted: Vec<Gives>,
    /// What came of each.
    pub got: Vec<Came>,
}

/// Something that came otherwise than wanted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Which signal it is, from 1, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<usize>,
    /// The key, such as `severity` or `fields.value`; [`WHOLE`] for what came as a whole.
    pub key: String,
    /// What was wanted; none where nothing was.
    pub wanted: Option<Json>,
    /// What came; none where nothing stands there.
    pub got: Option<Json>,
}

/// The key of a difference between an alert and none.
pub const WHOLE: &str = "gives";

/// What is said of an alert that came as a whole.
const HEADLINE: [&str; 2] = ["severity", "title"];

impl Outcome {
    /// Compares what came of the signals of a test with what it wants.
    pub fn of(wanted: &[Gives], got: Vec<Came>) -> Self {
        let failure = Failure {
            wanted: wanted.to_vec(),
            got,
        };
        if failure.differences().is_empty() {
            Self::Passed
        } else {
            Self::Failed(failure)
        }
    }
}

impl Failure {
    /// What differs, signal by signal.
    pub fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        let count = self.wanted.len().max(self.got.len());
        for index in 0..count {
            let signal = (count > 1).then_some(index + 1);
            let mut differs = |key: &str, wanted: Option<Json>, got: Option<Json>| {
                found.push(Difference {
                    signal,
                    key: key.to_owned(),
                    wanted,
                    got,
                });
            };
            match (self.wanted.get(index), self.got.get(index)) {
                (Some(Gives::Alert(wanted)), Some(Ok(Gives::Alert(got)))) => {
                    inside("", wanted, got, &mut differs);
                }
                (Some(wanted), Some(Ok(got))) if wanted == got => {}
                (wanted, got) => differs(
                    WHOLE,
                    wanted.map(Gives::to_json),
                    got.map(|got| match got {
                        Ok(got) => got.to_json(),
                        Err(why) => why.as_str().into(),
                    }),
                ),
            }
        }
        found
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = |value: &Option<Json>| {
            let nothing = || "nothing there".to_owned();
            value.as_ref().map_or_else(nothing, Json::to_string)
        };
        for (index, one) in self.differences().iter().enumerate() {
            let joint = if index == 0 { "" } else { "; " };
            let of = one
                .signal
                .map_or_else(String::new, |number| format!("signal {number}, "));
            let (wanted, got) = (said(&one.wanted), said(&one.got));
            write!(f, "{joint}{of}{}: wanted {wanted}, got {got}", one.key)?;
        }
        Ok(())
    }
}

impl Gives {
    /// As a test's file has it; of a whole alert its headline.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Nothing => "nothing".into(),
            Self::Resolved => "resolved".into(),
            Self::Alert(map) => {
                let whole = HEADLINE.iter().all(|key| map.contains_key(*key));
                let told = map
                    .iter()
                    .filter(|(key, _)| !whole || HEADLINE.contains(&key.as_str()));
                Json::Object(
                    told.map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                )
            }
        }
    }
}

/// Tells what differs: its key, what was wanted, what came.
type Tell<'t> = dyn FnMut(&str, Option<Json>, Option<Json>) + 't;

/// All that is wanted has to be there; more may be. Numbers are compared by value.
fn inside(path: &str, wanted: &Map<String, Json>, got: &Map<String, Json>, tell: &mut Tell<'_>) {
    for (key, wanted) in wanted {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match got.get(key) {
            None => tell(&path, Some(wanted.clone()), None),
            Some(got) => compare(&path, wanted, got, tell),
        }
    }
}

fn compare(path: &str, wanted: &Json, got: &Json, tell: &mut Tell<'_>) {
    match (wanted, got) {
        (Json::Object(wanted), Json::Object(got)) => inside(path, wanted, got, tell),
        (Json::Array(wanted), Json::Array(got)) if wanted.len() == got.len() => {
            for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                compare(&format!("{path}[{index}]"), wanted, got, tell);
            }
        }
        (Json::Number(wanted), Json::Number(got)) if wanted.as_f64() == got.as_f64() => {}
        (wanted, got) if wanted == got => {}
        _ => tell(path, Some(wanted.clone()), Some(got.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn alert(json: Json) -> Gives {
        match json {
            Json::Object(map) => Gives::Alert(map),
            other => panic!("{other} is no alert"),
        }
    }

    fn said(wanted: &[Gives], got: Vec<Came>) -> String {
        match Outcome::of(wanted, got) {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed(failure) => failure.to_string(),
        }
    }

    #[test]
    fn only_what_differs_is_told_each_by_its_key() {
        let came = json!({ "severity": "high", "title": "a b", "fields": { "value": 1.0, "list": [1, 2] } });
        for (wanted, told) in [
            (json!({}), "passed"),
            (json!({ "fields": { "value": 1 } }), "passed"),
            (
                json!({ "severity": "low", "title": "a b" }),
                "severity: wanted \"low\", got \"high\"",
            ),
            (
                json!({ "fields": { "value": 2, "gone": null } }),
                "fields.value: wanted 2, got 1.0; fields.gone: wanted null, got nothing there",
            ),
            (
                json!({ "fields": { "list": [1, 3] } }),
                "fields.list[1]: wanted 3, got 2",
            ),
            (
                json!({ "fields": { "list": [1] } }),
                "fields.list: wanted [1], got [1,2]",
            ),
        ] {
            assert_eq!(said(&[alert(wanted)], vec![Ok(alert(came.clone()))]), told);
        }
    }

    #[test]
    fn another_outcome_is_told_as_a_whole_and_of_several_signals_which() {
        let came = alert(json!({ "severity": "high", "title": "a", "kind": "k", "summary": "" }));
        assert_eq!(
            said(&[Gives::Nothing], vec![Ok(came.clone())]),
            r#"gives: wanted "nothing", got {"severity":"high","title":"a"}"#
        );
        assert_eq!(
            said(
                &[Gives::Resolved, Gives::Nothing],
                vec![Ok(Gives::Resolved), Err("stuck: why".to_owned()), Ok(came)]
            ),
            "signal 2, gives: wanted \"nothing\", got \"stuck: why\"; \
             signal 3, gives: wanted nothing there, got {\"severity\":\"high\",\"title\":\"a\"}"
        );
    }

    fn values() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i32>().prop_map(Json::from),
            "[a-c]{0,3}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_equals_passes_and_what_is_told_differs(wanted in values(), got in values()) {
            let of = |value: &Json| alert(json!({ "x": value }));
            prop_assert_eq!(Outcome::of(&[of(&got)], vec![Ok(of(&got))]), Outcome::Passed);
            if let Outcome::Failed(failure) = Outcome::of(&[of(&wanted)], vec![Ok(of(&got))]) {
                for one in failure.differences() {
                    prop_assert_ne!(one.wanted, one.got);
                }
            }
        }
    }
}
