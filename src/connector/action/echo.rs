//! `echo:`: the signals that are an action's own.

use std::time::Duration;

use crate::diag::{Code, Faults, codes};
use crate::expr::{Expr, Names, Type};
use crate::shape::Reading;
use crate::yaml::Fields;

/// An echo of no signal.
const UNKNOWN_SIGNAL: Code = Code("AND0454");

/// How a change of Andon's own comes back.
#[derive(Debug)]
pub struct Echo {
    /// A signal of the same connector.
    pub signal: String,
    /// Of doing, or of undoing.
    pub of: EchoOf,
    /// Over `signal` and what the action names.
    pub when: Expr,
    /// How long after the call.
    pub within: Duration,
    /// The slot of `signal`.
    pub slot: usize,
    /// What `when` names.
    pub names: Names,
}

/// What an echo is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoOf {
    /// Doing.
    Do,
    /// Undoing.
    Undo,
}

pub(super) fn echoes(
    fields: &Fields<'_>,
    names: &Names,
    signals: &[String],
    faults: &mut Faults,
) -> Vec<Echo> {
    let slot = names.len();
    let names = names.clone().with("signal", Type::Any);
    let mut echoes = Vec::new();
    for item in fields.items("echo", faults) {
        let Some(echo) = Fields::of(item, "an echo", &["signal", "of", "when", "within"], faults)
        else {
            continue;
        };
        let signal = echo
            .required_text("signal", "name a signal of this connector", faults)
            .unwrap_or_default();
        if !signals.contains(&signal) {
            let fault = faults.error(
                UNKNOWN_SIGNAL,
                echo.get("signal").unwrap_or(item).place(),
                format!("this connector has no signal `{signal}`"),
            );
            match crate::diag::nearest(&signal, signals.iter().map(String::as_str)) {
                Some(meant) => fault
                    .label(format!("did you mean `{meant}`?"))
                    .help(format!("write `signal: {meant}`")),
                None => fault.help(format!("its signals are {}", signals.join(", "))),
            };
            continue;
        }
        let of = match echo.text("of", faults).as_deref() {
            Some("undo") => EchoOf::Undo,
            None | Some("do") => EchoOf::Do,
            Some(other) => {
                faults
                    .error(
                        codes::UNKNOWN_WORD,
                        echo.get("of").unwrap_or(item).place(),
                        format!("an echo is not of `{other}`"),
                    )
                    .help("write `do` or `undo`");
                continue;
            }
        };
        let when = echo
            .require("when", "say how to recognise it", faults)
            .and_then(|node| Reading::over(&names).condition(node, faults));
        let within = echo
            .duration("within", faults)
            .unwrap_or(Duration::from_mins(5));
        if let Some(when) = when {
            echoes.push(Echo {
                signal,
                of,
                when,
                within,
                slot,
                names: names.clone(),
            });
        }
    }
    echoes
}
