//! `andon backup`: a copy of the store as it is at this moment, checked after it was written.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Ended, Format, Where, check, output, shown};
use crate::clock::Clock;
use crate::store::{self, Inventory};

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The file to make; it must not be there
    file: PathBuf,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Makes one.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let store = at.store(Path::new("."))?;
    let checked = store::back_up(&store, &typed.file, Clock::system().now())?;
    let json = json!({
        "backup": typed.file,
        "of": store,
        "holds": checked.holds.as_ref().map(holds),
        "faults": check::faults(&checked.faults),
    });
    output::answer(typed.format, &json, |_| {
        let held = checked.holds.as_ref().map(told).unwrap_or_default();
        format!(
            "{} is a copy of {}, checked\n{held}{}",
            shown::text(&typed.file.display().to_string()),
            shown::text(&store.display().to_string()),
            check::told(&checked.faults),
        )
    });
    Ok(if checked.faults.is_empty() {
        Ended::Fine
    } else {
        Ended::Faults
    })
}

/// What a store holds, for a script.
pub(super) fn holds(of: &Inventory) -> Json {
    json!({
        "schema": of.schema,
        "made": of.made,
        "signals": of.signals,
        "newest_signal": of.newest_signal,
        "open_alerts": of.open_alerts,
        "owed": of.owed,
        "dead_letters": of.dead_letters,
        "unfinished_actions": of.unfinished_actions,
    })
}

/// What a store holds, for a person.
pub(super) fn told(of: &Inventory) -> String {
    let count = |count: u64| shown::count(usize::try_from(count).unwrap_or(usize::MAX));
    let mut facts = vec![("schema", of.schema.to_string())];
    if let Some(made) = of.made {
        facts.push(("made", shown::seconds(made)));
    }
    let newest = of
        .newest_signal
        .map(|at| format!(", the newest of {}", shown::seconds(at)));
    facts.extend([
        (
            "signals",
            format!("{}{}", count(of.signals), newest.unwrap_or_default()),
        ),
        ("alerts", format!("{} open", count(of.open_alerts))),
        (
            "deliveries",
            format!(
                "{} owed, {} dead letters",
                count(of.owed),
                count(of.dead_letters)
            ),
        ),
        (
            "actions",
            format!("{} unfinished", count(of.unfinished_actions)),
        ),
    ]);
    shown::facts(&facts)
}
