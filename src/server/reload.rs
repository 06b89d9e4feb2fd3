//! Reading the files again because somebody asks.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Desk;
use super::callers::Asked;
use super::health::administrator;
use super::page::ok;
use super::problem::Problem;
use crate::diag::{self, Format};
use crate::live::{Change, Files, Outcome, Refusal, Unanswered};

/// How long the files may take to be read, checked and tested.
const WITHIN: Duration = Duration::from_secs(60);

/// `POST /v1/reload`: what lies there is in force with the answer, or 422 says why not.
pub(super) async fn reload(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (by, form) = administrator(&desk, asked, &[]).await?;
    form.finish()?;
    let outcome = desk.live.reloads.ask(&by, WITHIN).await.map_err(|error| {
        let code = match error {
            Unanswered::Busy => "busy",
            Unanswered::TooSlow => "too_slow",
        };
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, error.to_string()).after(Some(5))
    })?;
    match outcome {
        Outcome::Same { hash } => Ok(ok(&json!({ "changed": false, "hash": hash }))),
        Outcome::Changed(change) => {
            let mut shown = Map::from_iter([("changed".to_owned(), Value::Bool(true))]);
            shown.extend(changed(&change));
            Ok(ok(&Value::Object(shown)))
        }
        Outcome::Refused(refusal) => Err(problem(&refusal)),
    }
}

fn changed(change: &Change) -> Map<String, Value> {
    Map::from_iter([
        ("hash".to_owned(), json!(change.hash)),
        ("before".to_owned(), json!(change.before)),
        ("at".to_owned(), json!(change.at)),
        ("by".to_owned(), json!(change.by)),
        (
            "files".to_owned(),
            json!({ "added": change.added, "changed": change.changed, "removed": change.removed }),
        ),
        ("notes".to_owned(), json!(change.notes)),
    ])
}

fn problem(refusal: &Refusal) -> Problem {
    let detail = format!(
        "the files are refused, those of before stay in force: {}",
        refusal.why
    );
    let faults = diag::render(&refusal.faults, Format::Json);
    let faults: Value = serde_json::from_str(&faults).unwrap_or_default();
    let shown = diag::render(&refusal.faults, Format::Text { color: false });
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "files_refused", detail)
        .with("faults", faults)
        .with("tests", json!(refusal.tests))
        .with("shown", shown)
}

/// For `/v1/status`: the last change, and why newer files are not in force.
pub(super) fn standing(files: &Files) -> (Value, Value) {
    let last = files
        .last
        .as_ref()
        .map(|change| Value::Object(changed(change)));
    let refused = files.refused.as_ref().map(|refusal| {
        json!({
            "at": refusal.at,
            "by": refusal.by,
            "why": refusal.why,
            "faults": refusal.faults.len(),
            "tests": refusal.tests,
        })
    });
    (json!(last), json!(refused))
}
