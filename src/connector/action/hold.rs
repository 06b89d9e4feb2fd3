//! `hold:`: how often an action that is in force is proven again.

use std::time::Duration;

use crate::diag::{Code, Faults};
use crate::expr::{Expr, Names};
use crate::shape::Reading;
use crate::yaml::{Fields, Node};

/// Proven again too often.
const TOO_OFTEN: Code = Code("AND0457");
/// No platform is asked more often than this for the sake of a containment that holds.
const SHORTEST: Duration = Duration::from_secs(5);

/// How often an action that is in force is proven again.
#[derive(Debug)]
pub struct Hold {
    /// Between two looks.
    pub every: Duration,
    /// Over the first read of `prove.state`: who changed it.
    pub by: Option<Expr>,
}

/// Reads `hold: 60s`, or `hold: { every: 60s, by: =… }`.
pub(super) fn hold(fields: &Fields<'_>, names: &Names, faults: &mut Faults) -> Option<Hold> {
    let node = fields.get("hold")?;
    let (every, by) = if node.as_map().is_some() {
        let written = Fields::of(node, "`hold`", &["every", "by"], faults)?;
        written.require("every", "write such as `every: 60s`", faults);
        let by = written
            .get("by")
            .and_then(|node| Reading::over(names).expr(node, faults));
        (written.duration("every", faults)?, by)
    } else {
        (fields.duration("hold", faults)?, None)
    };
    if every < SHORTEST {
        let place = node.get("every").map_or_else(|| node.place(), Node::place);
        faults
            .error(
                TOO_OFTEN,
                place,
                "this asks the platform too often for as long as the action is in force",
            )
            .help(format!("write at least {}s", SHORTEST.as_secs()));
        return None;
    }
    Some(Hold { every, by })
}
