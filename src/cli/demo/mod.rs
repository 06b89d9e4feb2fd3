//! `andon demo`: the first minute. The real daemon between stand-ins for a model platform and a SOC.
//!
//! Nothing here is a script of what happens: signals are sent, and what arrives at the receivers is
//! counted and shown. It fails, with exit code 2, when something that should arrive does not.

mod show;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{Ended, output};
use show::Show;
use stage::Stage;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Leave everything running afterwards, to be looked at, until interrupted
    #[arg(long)]
    keep: bool,
    /// Write its files to this folder, which must not be there yet, and leave them; without it they are gone
    /// afterwards
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// How long anything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the containment holds before it undoes itself.
const HOLDS: u64 = 5;

/// The model whose alias is moved.
pub(crate) const MODEL: &str = "fraud-detector";

/// Runs the demonstration.
pub(crate) fn run(typed: &Typed) -> anyhow::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    runtime.block_on(play(typed))?;
    Ok(Ended::Fine)
}

async fn play(typed: &Typed) -> anyhow::Result<()> {
    let folder = match &typed.folder {
        Some(folder) => {
            std::fs::create_dir(folder)
                .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
            folder.clone()
        }
        None => tempfile_folder()?,
    };
    let stage = Stage::set(&folder).await?;
    let mut show = Show::new();
    Show::opening(&stage);
    let outcome = acts(&stage, &mut show).await;
    if outcome.is_ok() {
        show.summary(&stage);
        if typed.keep {
            output::line(&format!(
                "\nStill running; files in {}. Interrupt to end.",
                folder.display()
            ));
            drop(tokio::signal::ctrl_c().await);
        }
    }
    stage.strike().await;
    if typed.folder.is_none() {
        drop(std::fs::remove_dir_all(&folder));
    }
    outcome
}

async fn acts(stage: &Stage, show: &mut Show) -> anyhow::Result<()> {
    output::line("\n1  Signals from the model side\n");
    show.signal(
        "Feast",
        "feature views as a real registry listed them: one is older than its freshness target",
    );
    stage.deliver_reports()?;
    show.signal(
        "Evidently",
        "a recorded drift report is written to a folder",
    );
    show.signal(
        "Inspect",
        "a recorded safety evaluation (.eval) is written to a folder",
    );
    stage.promote(2)?;
    show.signal("MLflow", "somebody points champion of fraud-detector at version 2, which never passed its evaluation");

    output::line("\n2  Alerts at the SOC, as each tool shows them\n");
    let kinds = [
        "unreviewed-promotion",
        "feature-drift",
        "stale-features",
        "eval-regression",
    ];
    let alert = show
        .until(stage, PATIENCE, |seen| {
            kinds.iter().all(|kind| seen.everywhere(kind))
        })
        .await
        .and_then(|()| {
            show.alert_of("unreviewed-promotion")
                .context("no alert about the promotion arrived")
        })?;

    output::line("\n3  Containment, asked for by a playbook\n");
    let asked = stage
        .call(
            "POST",
            "/v1/actions",
            Some(&json!({
                "action": "mlflow/move-alias",
                "at": "registry",
                "with": { "model": MODEL, "alias": "champion", "version": "1" },
                "alert": alert,
                "reason": "roll back until version 2 is evaluated",
                "ttl_seconds": HOLDS,
                "wait_seconds": 15,
            })),
        )
        .await?;
    show.action("asked", &asked, stage);
    if asked.get("state").and_then(Value::as_str) != Some("succeeded") {
        bail!("the containment did not succeed: {asked}");
    }
    if stage.champion() != Some(1) {
        bail!(
            "the registry serves version {:?} after a proven roll-back to 1",
            stage.champion()
        );
    }
    let id = asked
        .get("action_id")
        .and_then(Value::as_str)
        .context("the answer names no action")?
        .to_owned();
    output::line(&format!("\n   … {HOLDS} seconds later its time is up\n"));
    let ended = stage
        .until_state(
            &id,
            &["reverted", "revert_conflict", "revert_failed"],
            PATIENCE,
        )
        .await?;
    show.action("undone", &ended, stage);
    if stage.champion() != Some(2) {
        bail!(
            "the registry serves version {:?} after the roll-back was undone",
            stage.champion()
        );
    }

    output::line("\n4  The evaluation is repeated, and passes\n");
    stage.pass_evaluation(2)?;
    show.signal("MLflow", "the tag eval=passed is set on version 2");
    show.until(stage, PATIENCE, |seen| {
        seen.resolved_everywhere("unreviewed-promotion")
    })
    .await?;
    show.settle(stage).await;
    Ok(())
}

/// A folder of its own, gone afterwards.
fn tempfile_folder() -> anyhow::Result<std::path::PathBuf> {
    let clock = crate::clock::Clock::system();
    let folder = std::env::temp_dir().join(format!("andon-demo-{:016x}", clock.chance()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Writes a file, making its folders.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("the folder {} cannot be made", parent.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}
