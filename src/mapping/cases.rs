//! `tests:` of a mapping: a signal, and what it has to give.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::outcome::{Came, Gives, Outcome};
use super::{Judgement, Mapping, Proposal};
use crate::clock::Clock;
use crate::diag::{Code, Faults, Place, codes};
use crate::id::Id;
use crate::signal::{Signal, SignalName};
use crate::untrusted::Untrusted;
use crate::yaml::{Fields, Node};

/// A test that gives no signal, or several things at once.
const BAD_STEP: Code = Code("AND0560");
/// What a test expects and no signal gives.
const BAD_OUTCOME: Code = Code("AND0561");

/// One test.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub it: String,
    /// What is given.
    pub given: Given,
    /// What was looked up, by name.
    pub look_up: Map<String, Json>,
    /// What `now` is.
    pub now: Option<Timestamp>,
    /// What comes of it.
    pub gives: Vec<Gives>,
    /// Where it stands.
    pub place: Place,
}

/// What a test gives to a mapping.
#[derive(Debug, Clone)]
pub enum Given {
    /// The data of one signal, of `from` or of the signal named.
    Signal {
        /// The signal, where it is not `from`.
        from: Option<SignalName>,
        /// Its data.
        data: Json,
    },
    /// A sample of the connector, through its manifest.
    Capture(String),
    /// Time passes.
    After(Duration),
}

/// Reads `tests:`.
pub fn parse(node: &Node, faults: &mut Faults) -> Vec<Case> {
    let Some(items) = node.as_list() else {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                format!("`tests` is a list, and this is {}", node.what()),
            )
            .help("write `- it: …` with `signal:` and `gives:` for each");
        return Vec::new();
    };
    items.iter().filter_map(|item| case(item, faults)).collect()
}

fn case(node: &Node, faults: &mut Faults) -> Option<Case> {
    let keys = [
        "it", "signal", "from", "capture", "after", "look_up", "now", "gives",
    ];
    let fields = Fields::of(node, "a test", &keys, faults)?;
    let given = match (
        fields.get("signal"),
        fields.get("capture"),
        fields.get("after"),
    ) {
        (Some(signal), None, None) => Given::Signal {
            from: fields.text("from", faults).and_then(|text| {
                let (connector, signal) = text.split_once('/')?;
                Some(SignalName {
                    connector: connector.to_owned(),
                    signal: signal.to_owned(),
                })
            }),
            data: signal.to_json(),
        },
        (None, Some(_), None) => Given::Capture(fields.text("capture", faults)?),
        (None, None, Some(_)) => Given::After(fields.duration("after", faults)?),
        _ => {
            faults
                .error(BAD_STEP, node.head(), "a test gives one thing")
                .help("write one of `signal: {…}`, `capture: samples/x.json`, `after: 25h`");
            return None;
        }
    };
    let outcome = match fields.require(
        "gives",
        "write `gives: nothing`, `resolved`, or the parts of the alert that have to match",
        faults,
    )? {
        node if node.as_list().is_some() => node
            .as_list()
            .unwrap_or_default()
            .iter()
            .map(|item| gives(item, faults))
            .collect::<Option<_>>()?,
        node => vec![gives(node, faults)?],
    };
    let now = match fields.get("now") {
        None => None,
        Some(node) => {
            let now = node
                .as_text()
                .and_then(|text| text.parse::<Timestamp>().ok());
            if now.is_none() {
                faults
                    .error(codes::WRONG_TYPE, node.place(), "`now` is a time")
                    .help("write such as `now: \"2026-11-23T08:00:00Z\"`");
                return None;
            }
            now
        }
    };
    let look_up = match fields.get("look_up").map(Node::to_json) {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    Some(Case {
        it: fields.text("it", faults).unwrap_or_default(),
        given,
        look_up,
        now,
        gives: outcome,
        place: node.place(),
    })
}

fn gives(node: &Node, faults: &mut Faults) -> Option<Gives> {
    match (node.as_text(), node.to_json()) {
        (Some("nothing"), _) => Some(Gives::Nothing),
        (Some("resolved"), _) => Some(Gives::Resolved),
        (_, Json::Object(map)) => Some(Gives::Alert(map)),
        _ => {
            faults
                .error(
                    BAD_OUTCOME,
                    node.place(),
                    "nothing like this comes of a signal",
                )
                .help("write `nothing`, `resolved`, or a map such as `{ severity: high }`");
            None
        }
    }
}

/// A test's clock, where it names none.
const TEST_NOW: &str = "2026-11-23T08:00:00Z";

impl Case {
    /// Runs a test over signals: one for `signal`, those that the capture holds for `capture`.
    pub fn run(&self, mapping: &Mapping, signals: &[Signal]) -> Outcome {
        if let Given::After(after) = self.given {
            let over = mapping.quiet.is_some_and(|quiet| after >= quiet);
            let got = if over {
                Gives::Resolved
            } else {
                Gives::Nothing
            };
            return Outcome::of(&self.gives, vec![Ok(got)]);
        }
        let came = |signal| mapping.gives(signal, &self.look_up);
        Outcome::of(&self.gives, signals.iter().map(came).collect())
    }

    /// The signal that `signal:` stands for.
    pub fn signal(&self, mapping: &Mapping) -> Option<Signal> {
        let Given::Signal { from, data } = &self.given else {
            return None;
        };
        let now = self.now.or_else(|| TEST_NOW.parse().ok())?;
        let clock = Clock::stopped(now);
        let at = data
            .get("at")
            .and_then(Json::as_str)
            .and_then(|at| at.parse().ok())
            .unwrap_or(now);
        let mut data = data.clone();
        if let Some(map) = data.as_object_mut() {
            map.entry("at").or_insert_with(|| json!(at.to_string()));
            map.entry("id").or_insert_with(|| json!("test"));
        }
        Some(Signal {
            id: Id::from_raw(1),
            connection: "test".to_owned(),
            name: from.clone().unwrap_or_else(|| mapping.from.clone()),
            vendor_id: "test".to_owned(),
            at,
            received_at: clock.now(),
            now: clock.now(),
            change: None,
            echo_of: None,
            data: Untrusted::new(data.into()),
        })
    }
}

impl Mapping {
    /// What comes of a signal, in the words of a test.
    pub fn gives(&self, signal: &Signal, looked_up: &Map<String, Json>) -> Came {
        match self.judge(signal, looked_up) {
            Ok(Judgement::Nothing) => Ok(Gives::Nothing),
            Ok(Judgement::Close { .. }) => Ok(Gives::Resolved),
            Ok(Judgement::Open(proposal)) => Ok(Gives::Alert(proposal.to_test_value(self))),
            Err(stuck) => Err(format!("stuck: {stuck}")),
        }
    }
}

impl Proposal {
    /// What `gives:` is compared with.
    pub fn to_test_value(&self, mapping: &Mapping) -> Map<String, Json> {
        let mut value = Map::new();
        value.insert("severity".to_owned(), self.severity.as_str().into());
        value.insert("title".to_owned(), self.title.as_str().into());
        value.insert("summary".to_owned(), self.summary.as_str().into());
        value.insert("kind".to_owned(), mapping.alert.kind.name.as_str().into());
        value.insert("model".to_owned(), Json::Object(self.model.clone()));
        value.insert("measured".to_owned(), Json::Object(self.measured.clone()));
        value.insert("fields".to_owned(), Json::Object(self.fields.clone()));
        value.insert("evidence".to_owned(), Json::Object(self.evidence.clone()));
        value.insert("at".to_owned(), self.at.to_string().into());
        let contain = self.contain.iter().map(|(index, with, ask)| {
            let rule = mapping.contain.get(*index);
            json!({ "action": rule.map(|rule| format!("{}/{}", rule.connector, rule.verb)), "with": with, "ask": ask })
        });
        value.insert("contain".to_owned(), contain.collect());
        value
    }
}
