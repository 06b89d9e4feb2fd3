//! What Andon knows about one system's API: `connectors/<name>/connector.yaml`, parsed and checked.
//!
//! Everything here is data. A connector makes no call, reads no file and knows no secret: it says what
//! calls are made, what files hold, and where secrets go.

mod signs;
mod accepts;
mod action;
mod deliver;
mod extract;
mod live;
mod opened;
mod parse;
mod schedule;
mod setting;
mod signal;
mod step;
#[cfg(test)]
mod tests;

pub use accepts::{Accepts, Algorithm, Encoding, KeyIs, Scheme, Signature};
pub use action::{
    ActionRule, Behaviour, Echo, EchoOf, Hold, Limits, Ours, Prove, Refusal, Share, Take, TakeKind,
    Unchanged,
};
pub use deliver::{
    Acknowledged, AnswerRule, Batch, Cut, Deliver, Fit, Framing, Of, Target, Use, Verdict,
};
pub use extract::{Extracted, Input};
pub use live::{Answer as LiveAnswer, Live, Question, Verdict as LiveVerdict, Way as AskedBy};
pub use opened::{Opened, Unreadable, open};
pub use parse::{Files, check_head, parse};
pub use schedule::Schedule;
pub use setting::{RESERVED, Setting, SettingKind, is_name};
pub use signal::{
    FileRule, Next, Open, Own, Poll, PollOf, Replied, Reply, ReplyWord, SignalRule, SourceLink,
    Way, Whole, lets,
};
pub use signs::{Part as SignedPart, SentAt, Signs, instant};
pub use step::{ANSWER, Around, Kept, Step, StepAnswer, StepVerdict, Until};

use crate::diag::Place;
use crate::shape::AuthRule;

/// The connector of Andon's own signals, and the one connection that it has.
pub const OWN: &str = "andon";

/// A connector, checked.
#[derive(Debug)]
pub struct Connector {
    /// The folder's name.
    pub name: String,
    /// One or two sentences.
    pub about: String,
    /// The vendor's documentation.
    pub docs: Option<String>,
    /// What it was tried against, and how.
    pub verified: Option<Verified>,
    /// What a connection has to say.
    pub settings: Vec<Setting>,
    /// Ways to make oneself known; the first whose secrets are given counts.
    pub auth: Vec<AuthRule>,
    /// How pushes are let in.
    pub webhook: Option<Webhook>,
    /// What the system says.
    pub signals: Vec<SignalRule>,
    /// What can be done to it.
    pub actions: Vec<ActionRule>,
    /// How alerts are sent to it.
    pub deliver: Option<Deliver>,
    /// What `andon check --live` asks it.
    pub live: Live,
    /// Where its name stands.
    pub place: Place,
}

/// What a connector was tried against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Name and version.
    pub with: String,
    /// `live`, `capture` or `contract`.
    pub how: String,
}

/// How pushes are let in, for all webhook signals of a connector.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The first that fits lets a request in.
    pub accepts: Accepts,
    /// What becomes of a body in which no signal recognises itself.
    pub unmatched: Unmatched,
    /// What becomes of a body that was let in and cannot be read.
    pub unreadable: Unread,
}

/// What becomes of a body in which no signal recognises itself. The answer is 202 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// It is counted.
    Count,
    /// It is kept as stuck.
    Keep,
}

/// What becomes of a body that was let in and cannot be read: it is no JSON, nests too deeply, or none of its lines
/// can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is answered 400, and not kept: the sender hears of it.
    Refuse,
    /// It is kept as stuck and answered 202, for senders that take a 400 for the end.
    Keep,
}

impl Connector {
    /// A signal by its name.
    pub fn signal(&self, name: &str) -> Option<&SignalRule> {
        self.signals.iter().find(|signal| signal.name == name)
    }

    /// An action by its name.
    pub fn action(&self, name: &str) -> Option<&ActionRule> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// A setting by its name.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// The setting that requests go to when they name no `base`.
    pub fn first_url(&self) -> Option<&str> {
        self.settings
            .iter()
            .find(|setting| setting.kind == SettingKind::Url)
            .map(|setting| setting.name.as_str())
    }
}
