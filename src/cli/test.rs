//! `andon test`: the tests that stand in mappings.

use std::path::Path;

use clap::Args;

use super::{Ended, Where, output};
use crate::catalog;
use crate::daemon;
use crate::mapping::Outcome;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Only mappings whose name holds this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Tests.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let folder = at.folder(Path::new("."))?;
    let (catalog, _) = daemon::load(&folder)?;
    let (mut passed, mut failed) = (0_u32, 0_u32);
    for mapping in catalog.mappings.values() {
        if typed
            .filter
            .as_ref()
            .is_some_and(|filter| !mapping.name.contains(filter.as_str()))
        {
            continue;
        }
        for (case, outcome) in catalog::run_cases(&catalog, mapping, &folder.files) {
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Failed { wanted, got } => {
                    failed += 1;
                    let (line, _) = case.place.source.line_and_column(case.place.span.start);
                    output::line(&format!(
                        "FAILED {}: {}\n  at {}:{line}\n  wanted {wanted}\n  got    {got}\n",
                        mapping.name, case.it, case.place.source.name
                    ));
                }
            }
        }
    }
    output::line(&format!("{passed} passed, {failed} failed"));
    Ok(if failed == 0 {
        Ended::Fine
    } else {
        Ended::TestFailed
    })
}
