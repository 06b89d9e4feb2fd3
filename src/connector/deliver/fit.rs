//! `cut:` and `fit:`: what becomes of events that are larger than a destination takes.

use crate::diag::Faults;
use crate::yaml::{Fields, Node};

/// What stands at the end of a text that was cut, unless the manifest says otherwise.
const MARK: &str = "…[cut]";

/// How long texts are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The most bytes of one top-level value.
    pub each: u64,
    /// What stands at the end of a cut one.
    pub mark: String,
}

/// How one event that is too large is made smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The most bytes.
    pub bytes: u64,
    /// First every longer text is cut to so many bytes, the mark counted.
    pub texts: Option<u64>,
    /// What stands at the end of a cut one.
    pub mark: String,
    /// Paths below which no text is cut, such as links.
    pub whole: Vec<String>,
    /// Paths, dropped in this order until it fits.
    pub drop: Vec<String>,
    /// The path that then says so.
    pub note: Option<String>,
}

impl Cut {
    pub(super) fn parse(node: &Node, faults: &mut Faults) -> Option<Self> {
        let cut = Fields::of(node, "`cut`", &["each", "mark"], faults)?;
        Some(Self {
            each: cut.bytes_size("each", faults).unwrap_or(65_536),
            mark: cut.text("mark", faults).unwrap_or_else(|| MARK.to_owned()),
        })
    }
}

impl Fit {
    pub(super) fn parse(node: &Node, faults: &mut Faults) -> Option<Self> {
        let keys = ["bytes", "texts", "mark", "whole", "drop", "note"];
        let fit = Fields::of(node, "`fit`", &keys, faults)?;
        Some(Self {
            bytes: fit.bytes_size("bytes", faults).unwrap_or(u64::MAX),
            texts: fit.bytes_size("texts", faults),
            mark: fit.text("mark", faults).unwrap_or_else(|| MARK.to_owned()),
            whole: fit.list_of_text("whole", faults).unwrap_or_default(),
            drop: fit.list_of_text("drop", faults).unwrap_or_default(),
            note: fit.text("note", faults),
        })
    }
}
