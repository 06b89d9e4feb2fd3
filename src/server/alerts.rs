//! Alerts, listed and shown.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::Desk;
use super::callers::Asked;
use super::page::{Page, object, ok};
use super::problem::Problem;
use super::shown;
use crate::alert::{Alert, AlertId, Severity};
use crate::config::Scope;
use crate::live::Live;
use crate::store::{ActionFilter, AlertFilter};

/// What a list may be narrowed by.
const FILTERS: [&str; 9] = [
    "state",
    "open",
    "severity",
    "kind",
    "connection",
    "mapping",
    "key",
    "limit",
    "before",
];
/// The most actions that are shown with the alert that they answer.
const ACTIONS: u32 = 50;

/// `GET /v1/alerts`: the newest first. `severity` is the least that is shown.
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let mut form = asked.query(&FILTERS);
    let page = Page::of(&mut form);
    let state = form.word(
        "state",
        "open, updated, resolved or all",
        |word| match word {
            "open" | "updated" => Some(Some(true)),
            "resolved" | "closed" => Some(Some(false)),
            "all" => Some(None),
            _ => None,
        },
    );
    let open = form.word("open", "true or false", |word| word.parse::<bool>().ok());
    let filter = AlertFilter {
        open: open.or(state.flatten()),
        severity: form.word(
            "severity",
            "informational, low, medium, high or critical",
            Severity::from_word,
        ),
        kind: form.text("kind"),
        connection: form.text("connection"),
        mapping: form.text("mapping"),
        key: form.text("key"),
        before: form.word("before", "what `next` said", |text| text.parse().ok()),
    };
    form.finish()?;
    let rows = desk
        .live
        .store
        .read(move |reader| reader.alerts(&filter, page.to_read()))
        .await?;
    Ok(page.show(
        "alerts",
        rows,
        |alert| alert.id.to_string(),
        |alert| with_links(&desk.live, alert).unwrap_or_default(),
    ))
}

/// `GET /v1/alerts/{id}`: with the actions that answer it.
pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let id: AlertId = asked.id(2)?;
    let filter = ActionFilter {
        alert: Some(id),
        ..ActionFilter::default()
    };
    let (alert, actions) = desk
        .live
        .store
        .read(move |reader| Ok((reader.alert(id)?, reader.actions(&filter, ACTIONS)?)))
        .await?;
    let alert = alert.ok_or_else(|| Problem::not_found(format!("there is no alert `{id}`")))?;
    let url = &desk.live.snapshot().catalog.config.public_url;
    let actions: Vec<Value> = actions
        .iter()
        .map(|action| shown::flat(action, url))
        .collect();
    let alert = with_links(&desk.live, &alert)?;
    Ok(ok(&object(&alert, [("actions", actions.into())])?))
}

/// An alert as the API shows it.
pub(super) fn with_links(live: &Live, alert: &Alert) -> Result<Value, Problem> {
    let url = &live.snapshot().catalog.config.public_url;
    object(
        alert,
        [
            ("event_id", alert.event_id().into()),
            ("revisions", alert.revision.into()),
            ("url", format!("{url}/v1/alerts/{}", alert.id).into()),
            (
                "signal_url",
                format!("{url}/v1/signals/{}", alert.signal).into(),
            ),
        ],
    )
}
