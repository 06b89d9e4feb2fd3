//! `live:`: what `andon check --live` asks a system, and what it cannot ask. Nothing asked here changes anything.

use crate::diag::{Code, Faults, codes};
use crate::expr::{Expr, Names, Type};
use crate::shape::{CALL_KEYS, Call, Method, Offered, Reading};
use crate::yaml::{Fields, Node};

use super::signal::lets;
use super::step::{ANSWER, Kept, NO_VERDICT, case, kept};

/// A question without a request, or with one and a reason why there is none.
const NO_QUESTION: Code = Code("AND0860");
/// A question that could change something.
const NOT_HARMLESS: Code = Code("AND0861");

/// What is asked, in order; later questions may name what earlier ones keep.
#[derive(Debug, Default)]
pub struct Live {
    /// The questions.
    pub questions: Vec<Question>,
    /// What their expressions name, in order.
    pub names: Names,
}

/// One thing to know of a connection.
#[derive(Debug)]
pub struct Question {
    /// What is asked after, such as `the token`.
    pub about: String,
    /// Whether it concerns this connection.
    pub only_if: Option<Expr>,
    /// How it is asked.
    pub way: Way,
}

/// How something is asked.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful for each connector, in all"
)]
pub enum Way {
    /// Not at all, and why.
    Cannot(String),
    /// By a request.
    Request {
        /// The request.
        call: Call,
        /// Names made of its answer; lazy.
        lets: Vec<(usize, Expr)>,
        /// What its answers mean, the first that holds; then what is usual.
        answers: Vec<Answer>,
        /// What later questions need.
        keep: Vec<Kept>,
    },
}

/// A line of `answers`.
#[derive(Debug)]
pub struct Answer {
    /// What such an answer means.
    pub verdict: Verdict,
    /// When; `None` for `otherwise`.
    pub when: Option<Expr>,
    /// The setting to mend.
    pub at: Option<String>,
    /// One sentence; empty for what is fine.
    pub say: String,
    /// A list that is shown behind it, such as what is missing.
    pub shows: Option<Expr>,
    /// What to do.
    pub help: Option<String>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it has to be.
    Fine,
    /// Somebody has to mend something.
    Fault,
    /// The answer does not tell.
    Unknown,
}

impl Verdict {
    const ALL: [(&'static str, Self); 3] = [
        ("fine", Self::Fine),
        ("fault", Self::Fault),
        ("unknown", Self::Unknown),
    ];
}

/// Names of a question beside those of every request: where this connection takes pushes (its URL without a token; null where it
/// lets none in), and the keys of `deliver.event`.
const OWN: [&str; 2] = ["webhook_url", "sent"];

/// Reads `live:`.
pub(super) fn parse(live: &Fields<'_>, offered: Offered<'_>, faults: &mut Faults) -> Live {
    let mut names = Names::new().with("settings", offered.settings());
    for root in ANSWER.into_iter().chain(OWN) {
        names = names.with(root, Type::Any);
    }
    let questions = live
        .items("live", faults)
        .iter()
        .filter_map(|node| question(node, offered, &mut names, faults))
        .collect();
    Live { questions, names }
}

fn question(
    node: &Node,
    offered: Offered<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Question> {
    let mut keys = vec![
        "about", "only_if", "cannot", "harmless", "let", "answers", "keep",
    ];
    keys.extend(CALL_KEYS);
    keys.push("auth");
    let fields = Fields::of(node, "a question", &keys, faults)?;
    let before = faults.errors();
    let about = fields.required_text(
        "about",
        "say what is asked after, such as `the token`",
        faults,
    );
    let hidden = names.clone().hiding(&ANSWER);
    let asking = Reading {
        names: &hidden,
        secrets: offered.secrets,
        templates: None,
    };
    let only_if = fields
        .get("only_if")
        .and_then(|node| asking.condition(node, faults));
    let is_request = ["get", "post", "put", "patch", "delete"]
        .iter()
        .any(|method| fields.get(method).is_some());
    let way = match (fields.text("cannot", faults), is_request) {
        (Some(why), false) => Some(Way::Cannot(why)),
        (None, true) => request(&fields, &asking, offered, names, faults),
        (Some(_), true) => {
            faults
                .error(
                    NO_QUESTION,
                    node.place_of_key("cannot"),
                    "this is asked, and said to be something that cannot be asked",
                )
                .help("take `cannot:` out, or the request");
            None
        }
        (None, false) => {
            faults
                .error(NO_QUESTION, node.head(), "this asks nothing")
                .help(
                    "write `get:` with a path, or `cannot:` with the reason why it cannot be asked",
                );
            None
        }
    };
    (faults.errors() == before).then_some(())?;
    Some(Question {
        about: about?,
        only_if,
        way: way?,
    })
}

fn request(
    fields: &Fields<'_>,
    asking: &Reading<'_>,
    offered: Offered<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Way> {
    let call = Call::parse(fields, asking, offered, None, faults)?;
    let why = fields.text("harmless", faults);
    match call.method() {
        Method::Get => {}
        Method::Post if why.is_some() => {}
        Method::Post => {
            faults
                .error(
                    NOT_HARMLESS,
                    fields.node().place_of_key("post"),
                    "a POST may change something, and nothing is changed by asking",
                )
                .help("write `harmless:` with the reason why this one changes nothing, or ask with `get:`");
        }
        Method::Put | Method::Patch | Method::Delete => {
            let method = call.method().as_str().to_ascii_lowercase();
            faults
                .error(
                    NOT_HARMLESS,
                    fields.node().place_of_key(&method),
                    "this changes something, and nothing is changed by asking",
                )
                .help("ask with `get:`, or write `cannot:` with the reason");
        }
    }
    let lets = lets(fields, names, faults);
    let reading = Reading::over(names);
    let nodes = fields.items("answers", faults);
    let answers = nodes
        .iter()
        .enumerate()
        .filter_map(|(index, node)| {
            answer(node, index + 1 == nodes.len(), &reading, offered, faults)
        })
        .collect();
    Some(Way::Request {
        call,
        lets,
        answers,
        keep: kept(fields, "keep", names, faults),
    })
}

fn answer(
    node: &Node,
    is_last: bool,
    reading: &Reading<'_>,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Answer> {
    let keys = ["fine", "fault", "unknown", "at", "say", "shows", "help"];
    let fields = Fields::of(node, "an answer", &keys, faults)?;
    let mut written = Verdict::ALL
        .into_iter()
        .filter_map(|(word, verdict)| Some((verdict, fields.get(word)?)));
    let (Some((verdict, condition)), None) = (written.next(), written.next()) else {
        faults
            .error(
                NO_VERDICT,
                node.place(),
                "each line has one verdict and its condition",
            )
            .help("write such as `- fine: status == 200`; a verdict is fine, fault or unknown");
        return None;
    };
    let when = case(condition, is_last, reading, faults);
    let at = fields
        .get("at")
        .and_then(|node| setting(node, offered, faults));
    let shows = fields
        .get("shows")
        .and_then(|node| reading.expr(node, faults));
    let say = match verdict {
        Verdict::Fine => fields.text("say", faults),
        _ => fields.required_text("say", "say in a sentence what such an answer means", faults),
    };
    Some(Answer {
        verdict,
        when: when?,
        at,
        say: say.unwrap_or_default(),
        shows,
        help: fields.text("help", faults),
    })
}

fn setting(node: &Node, offered: Offered<'_>, faults: &mut Faults) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    let known = || offered.plain.iter().chain(offered.secrets);
    if known().any(|known| known == name) {
        return Some(name.to_owned());
    }
    let all: Vec<&str> = known().map(String::as_str).collect();
    faults
        .error(
            codes::UNKNOWN_SETTING,
            node.place(),
            format!("`{name}` is not a setting of this connector"),
        )
        .help(format!("write one of {}", all.join(", ")));
    None
}
