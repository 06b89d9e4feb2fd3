//! `callers:`: who may ask for what, until when.

use jiff::Timestamp;

use crate::diag::{Code, Faults, Place, codes};
use crate::yaml::{Fields, Node};

/// A token written out.
const LITERAL_TOKEN: Code = Code("AND0630");
/// A scope that is none.
const UNKNOWN_SCOPE: Code = Code("AND0631");
/// A date that is none.
const BAD_DATE: Code = Code("AND0632");
/// A name that the audit has for somebody else.
const TAKEN: Code = Code("AND0634");

/// Whom the audit calls so: whoever asks with the daemon's own token, and Andon itself.
const OWN_NAMES: [&str; 2] = ["local", "andon"];

/// Somebody who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name, as the audit shows it.
    pub name: String,
    /// `sha256:` and the digest of its token.
    pub token_hash: String,
    /// What it may.
    pub may: Vec<Scope>,
    /// When its token ends.
    pub until: Option<Timestamp>,
    /// Where it stands.
    pub place: Place,
}

/// What a caller may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Send signals to any connection.
    SignalsWrite,
    /// Read alerts and signals.
    AlertsRead,
    /// Acknowledge, close, note.
    AlertsWrite,
    /// Read actions and the catalog.
    ActionsRead,
    /// Approve others' actions.
    ActionsApprove,
    /// Everything.
    Admin,
    /// Ask for actions.
    Action {
        /// `connector/verb`, `connector/*` or `*`.
        action: String,
        /// A connection, or `*`.
        at: String,
    },
}

impl Scope {
    const WORDS: [(&'static str, Self); 6] = [
        ("signals:write", Self::SignalsWrite),
        ("alerts:read", Self::AlertsRead),
        ("alerts:write", Self::AlertsWrite),
        ("actions:read", Self::ActionsRead),
        ("actions:approve", Self::ActionsApprove),
        ("admin", Self::Admin),
    ];
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Action { action, at } => write!(f, "{action} at {at}"),
            word => f.write_str(
                Self::WORDS
                    .iter()
                    .find(|(_, scope)| scope == word)
                    .map_or("", |(word, _)| word),
            ),
        }
    }
}

impl Caller {
    /// Whether it may do what `scope` says; an administrator may do everything.
    pub fn may(&self, scope: &Scope) -> bool {
        self.may
            .iter()
            .any(|held| *held == Scope::Admin || held == scope)
    }

    /// Whether it may ask for `connector/verb` on a connection.
    pub fn may_ask(&self, action: &str, at: &str) -> bool {
        self.may.iter().any(|held| match held {
            Scope::Admin => true,
            Scope::Action {
                action: pattern,
                at: place,
            } => {
                let fits = pattern == "*"
                    || pattern == action
                    || pattern
                        .strip_suffix("/*")
                        .is_some_and(|connector| action.split('/').next() == Some(connector));
                fits && (place == "*" || place == at)
            }
            _ => false,
        })
    }
}

/// Reads `callers:`.
pub fn parse(items: &[Node], faults: &mut Faults) -> Vec<Caller> {
    let mut callers: Vec<Caller> = Vec::new();
    for item in items {
        let Some(caller) = caller(item, faults) else {
            continue;
        };
        if OWN_NAMES.contains(&caller.name.to_ascii_lowercase().as_str()) {
            faults
                .error(
                    TAKEN,
                    item.get("name").unwrap_or(item).place(),
                    format!("the audit would take `{}` for Andon itself", caller.name),
                )
                .help("choose another name, such as `name: splunk-soar`");
        }
        if callers.iter().any(|other| other.name == caller.name) {
            faults
                .error(
                    codes::SAME_NAME,
                    item.get("name").unwrap_or(item).place(),
                    format!("there are two callers `{}`", caller.name),
                )
                .help("give each its own name, so that the audit tells them apart");
        }
        callers.push(caller);
    }
    callers
}

fn caller(node: &Node, faults: &mut Faults) -> Option<Caller> {
    let fields = Fields::of(node, "a caller", &["name", "token", "may", "until"], faults)?;
    let start = faults.errors();
    let name = fields.required_text("name", "name who asks, such as `name: splunk-soar`", faults);
    let token = fields.require(
        "token",
        "run `andon token new NAME` and paste what it prints",
        faults,
    );
    let hash = token
        .and_then(|token| token.get("hash"))
        .and_then(Node::as_text);
    let is_hash = |hash: &str| {
        hash.strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if let Some(token) = token
        && !hash.is_some_and(is_hash)
    {
        faults
            .error(LITERAL_TOKEN, token.place(), "a token is written as its digest, never as itself")
            .help("run `andon token new NAME` and paste what it prints: `token: { hash: \"sha256:…\" }`")
            .hide();
    }
    let mut may = Vec::new();
    fields.require(
        "may",
        "write what it may, such as `may: [ \"alerts:read\" ]`",
        faults,
    );
    for item in fields.items("may", faults) {
        may.extend(scope(item, faults));
    }
    let until = match fields.get("until") {
        None => None,
        Some(node) => {
            let end = node.as_text().and_then(|text| {
                let date: jiff::civil::Date = text.parse().ok()?;
                let end = date
                    .tomorrow()
                    .ok()?
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .ok()?;
                Some(end.timestamp())
            });
            if end.is_none() {
                faults
                    .error(BAD_DATE, node.place(), "this is no date")
                    .help("write such as `until: 2027-06-30`; the token ends with that day, UTC");
            }
            end
        }
    };
    (faults.errors() == start).then_some(())?;
    Some(Caller {
        name: name?,
        token_hash: hash?.to_ascii_lowercase(),
        may,
        until,
        place: node.place(),
    })
}

fn scope(node: &Node, faults: &mut Faults) -> Option<Scope> {
    if node.as_map().is_some() {
        let fields = Fields::of(node, "a scope", &["action", "at"], faults)?;
        let action = fields.required_text("action", "write `action: mlflow/*`", faults)?;
        return Some(Scope::Action {
            action,
            at: fields.text("at", faults).unwrap_or_else(|| "*".to_owned()),
        });
    }
    let word = node.as_text().unwrap_or_default();
    let found = Scope::WORDS.into_iter().find(|(known, _)| *known == word);
    if found.is_none() {
        let words: Vec<&str> = Scope::WORDS.iter().map(|(word, _)| *word).collect();
        let fault = faults.error(UNKNOWN_SCOPE, node.place(), format!("`{word}` is no scope"));
        match crate::diag::nearest(word, words.iter().copied()) {
            Some(meant) => fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `\"{meant}\"`")),
            None => fault.help(format!(
                "scopes are {}, or {{ action: mlflow/*, at: registry }}",
                words.join(", ")
            )),
        };
    }
    found.map(|(_, scope)| scope)
}
