//! `andon restore`: puts a backup in the place of the store, and says what that means.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Ended, Format, Where, backup, check, output, shown};
use crate::clock::Clock;
use crate::store;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The backup
    file: PathBuf,
    /// Keep a store that is there aside, under a name that ends in the time
    #[arg(long)]
    replace: bool,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What a restored store does not know.
const MEANS: &str = "\
What came in after the backup was made is not in it. What was delivered since and is owed in the backup is sent
again, with the same event ids. An alert that was changed since goes on from the revision it had, so a later one
can bear an event id that a destination has already. Actions asked for since are not known and undo nothing.
";

/// Restores.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let store = at.store(Path::new("."))?;
    let restored = store::restore(&typed.file, &store, typed.replace, Clock::system().now())?;
    let json = json!({
        "store": store,
        "backup": typed.file,
        "aside": restored.aside,
        "carried_over": restored.carried,
        "holds": restored.checked.holds.as_ref().map(backup::holds),
        "faults": check::faults(&restored.checked.faults),
    });
    output::answer(typed.format, &json, |_| {
        let held = restored.checked.holds.as_ref().map(backup::told);
        let shown = |path: &Path| shown::text(&path.display().to_string());
        let aside = restored.aside.as_ref().map(|aside| {
            let carried = if restored.carried {
                "Identifiers go on after its largest; tokens revoked in it stay revoked, a freeze in it holds"
            } else {
                "It cannot be read: look which tokens were revoked since, and whether Andon was frozen"
            };
            format!("The store that was there is {}. {carried}.\n", shown(aside))
        });
        format!(
            "{} is restored from {}\n{}{}{MEANS}{}",
            shown(&store),
            shown(&typed.file),
            held.unwrap_or_default(),
            aside.unwrap_or_default(),
            check::told(&restored.checked.faults),
        )
    });
    Ok(Ended::Fine)
}
