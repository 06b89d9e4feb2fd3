//! `andon test`: runs the tests that stand in mappings, says what came otherwise than wanted and why, and
//! which ways through a mapping no test takes; or writes a test from a signal.

mod chosen;
mod differs;
mod untested;
mod keep;
mod put;
mod record;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Ended, Format, Where, output, shown};
use crate::catalog::{Catalog, Files, Ran, run_cases};
use crate::daemon;
use crate::mapping::{Branch, Mapping, Outcome};
use chosen::chosen;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Only these mappings: files, or folders with such; all of them without it
    #[arg(value_name = "PATH", conflicts_with = "record")]
    paths: Vec<PathBuf>,
    /// Only tests that hold this in their name or in their mapping's
    #[arg(long, value_name = "WORD", conflicts_with = "record")]
    filter: Option<String>,
    /// Also name each way through a mapping that no test takes
    #[arg(long, conflicts_with = "record")]
    coverage: bool,
    #[command(flatten)]
    record: record::Record,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A mapping whose tests ran.
struct Tested<'c> {
    mapping: &'c Mapping,
    /// Those that were asked for.
    ran: Vec<Ran<'c>>,
    /// The ways through it; all of its tests count.
    branches: Vec<Branch>,
}

/// Tests, or writes one.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    if typed.record.is_asked() {
        return record::run(&typed.record, at, typed.format);
    }
    let mut folder = at.folder(Path::new("."))?;
    let names = chosen(&typed.paths, &mut folder)?;
    let (catalog, _) = daemon::load(&folder)?;
    let tested = tested(typed, &catalog, &folder.files, names.as_deref());
    let failed: usize = tested.iter().map(Tested::failed).sum();
    let ran: usize = tested.iter().map(|tested| tested.ran.len()).sum();
    if ran == 0 && typed.filter.is_some() {
        let word = typed.filter.as_deref().unwrap_or_default();
        anyhow::bail!(
            "no test and no mapping has `{}` in its name",
            shown::text(word)
        );
    }
    match typed.format {
        Format::Json => output::line(&output::json(&all_json(&tested, ran, failed, &catalog))),
        Format::Text => {
            for one in &tested {
                for ran in &one.ran {
                    output::text(&differs::text(&catalog, one.mapping, ran));
                }
            }
            if typed.coverage {
                for one in &tested {
                    output::text(&untested::text(one.mapping, &one.branches));
                }
            }
            output::line(&closing(&tested, ran, failed, typed.coverage));
        }
    }
    Ok(if failed == 0 {
        Ended::Fine
    } else {
        Ended::TestFailed
    })
}

fn tested<'c>(
    typed: &Typed,
    catalog: &'c Catalog,
    files: &Files,
    names: Option<&[String]>,
) -> Vec<Tested<'c>> {
    let mut all = Vec::new();
    for mapping in catalog.mappings.values() {
        if names.is_some_and(|names| !names.contains(&mapping.name)) {
            continue;
        }
        let holds = |text: &str| typed.filter.as_ref().is_none_or(|word| text.contains(word));
        let mut ran = run_cases(catalog, mapping, files);
        let tried: Vec<_> = ran
            .iter()
            .flat_map(|ran| ran.signals.iter().map(|signal| (signal, &ran.case.look_up)))
            .collect();
        let branches = mapping.branches(&tried);
        if !holds(&mapping.name) {
            ran.retain(|ran| holds(&ran.case.it));
            if ran.is_empty() {
                continue;
            }
        }
        all.push(Tested {
            mapping,
            ran,
            branches,
        });
    }
    all
}

impl Tested<'_> {
    fn failed(&self) -> usize {
        let failed = |ran: &&Ran<'_>| ran.outcome != Outcome::Passed;
        self.ran.iter().filter(failed).count()
    }
}

fn closing(tested: &[Tested<'_>], ran: usize, failed: usize, with_coverage: bool) -> String {
    let all: usize = tested.iter().map(|one| one.branches.len()).sum();
    let taken = |one: &Tested<'_>| one.branches.iter().filter(|way| way.is_taken).count();
    let taken: usize = tested.iter().map(taken).sum();
    let passed = ran - failed;
    let how = if with_coverage || taken == all {
        ""
    } else {
        "; --coverage names the others"
    };
    format!(
        "{passed} passed, {failed} failed; tests take {taken} of {all} ways through mappings{how}"
    )
}

fn all_json(tested: &[Tested<'_>], ran: usize, failed: usize, catalog: &Catalog) -> Json {
    let mappings: Vec<Json> = tested
        .iter()
        .map(|one| {
            let tests: Vec<Json> = one
                .ran
                .iter()
                .map(|ran| differs::json(catalog, one.mapping, ran))
                .collect();
            json!({
                "mapping": one.mapping.name,
                "file": one.mapping.place.source.name,
                "tests": tests,
                "coverage": untested::json(&one.branches),
            })
        })
        .collect();
    json!({ "passed": ran - failed, "failed": failed, "mappings": mappings })
}
