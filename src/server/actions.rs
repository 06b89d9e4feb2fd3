//! Actions: asked for, looked at, withdrawn, undone.
//!
//! Whether a caller may ask is decided here, before anything else is said about what there is.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::Desk;
use super::callers::Asked;
use super::page::{Page, json, object, ok};
use super::problem::Problem;
use super::{key, shown};
use crate::action::{Action, ActionId, State as ActionState};
use crate::config::{Caller, Scope};
use crate::containment::{self, Answer, Ask, Refused};
use crate::store::{ActionFilter, Reader};
use crate::untrusted;

/// What a request may hold (design, section 6). `callback_url` is known, and not taken yet.
const KEYS: [&str; 11] = [
    "action",
    "at",
    "with",
    "alert",
    "incident",
    "reason",
    "ttl_seconds",
    "wait_seconds",
    "dry_run",
    "idempotency_key",
    "callback_url",
];
/// What a list may be narrowed by.
const FILTERS: [&str; 7] = ["ids", "state", "action", "at", "alert", "limit", "before"];
/// How many actions may be asked about by their ids at once.
const MOST_IDS: usize = 100;
/// The longest reason, in graphemes.
const LONGEST_REASON: usize = 1_000;
/// After how many seconds an open action is worth another look.
const LOOK_AGAIN: HeaderValue = HeaderValue::from_static("2");

/// `POST /v1/actions`
pub(super) async fn request(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let Asked {
        caller,
        parts,
        body,
    } = asked;
    let mut form = desk.places.form(&parts.headers, body, &KEYS).await?;
    let idempotency_key = key::idempotency(&parts.headers, &mut form)?;
    let wait = key::wait(&parts.headers, &mut form);
    let action = form.text("action").unwrap_or_else(|| {
        form.fault(
            "`action` is missing: write `connector/verb`, as `GET /v1/catalog/actions` lists them",
        );
        String::new()
    });
    if form.any("callback_url").is_some() {
        form.fault(
            "`callback_url` is not taken yet: ask at `status_url`, or send `Prefer: wait=60`",
        );
    }
    let mut ask = Ask {
        action,
        at: form.text("at"),
        with: form.object("with"),
        alert: form.word("alert", "the id of an alert", |text| text.parse().ok()),
        incident: form.any("incident"),
        reason: form
            .text("reason")
            .map(|reason| untrusted::person(&reason, LONGEST_REASON)),
        ttl_seconds: form.number("ttl_seconds", u64::MAX),
        dry_run: form.flag("dry_run"),
        idempotency_key,
        by: caller.name.clone(),
    };
    form.finish()?;
    ask.at = place(&desk, &caller, &ask).await?;
    match containment::ask(&desk.live, ask).await {
        Ok(Answer::Planned(plan)) => Ok(ok(&object(&plan, [("dry_run", true.into())])?)),
        Ok(Answer::Taken { action, replayed }) => {
            let mut response = settled(&desk, action, wait).await?;
            if replayed {
                response
                    .headers_mut()
                    .insert("idempotency-replayed", HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        Err(refused) => Err(refusal(refused)),
    }
}

/// The connection that an action would run on, if the caller may ask for it there: the one named, else
/// the one that the alert offers, else the only one that fits. `None` where none fits: containment says
/// why, but only to callers that may ask for the action anywhere.
async fn place(desk: &Desk, caller: &Caller, ask: &Ask) -> Result<Option<String>, Problem> {
    let allowed = |at: &str| {
        if caller.may_ask(&ask.action, at) {
            return Ok(Some(at.to_owned()));
        }
        let action = untrusted::log(&ask.action, 100);
        let scope = format!("{action} at {}", untrusted::log(at, 100));
        Err(Problem::missing_scope(&caller.name, &scope))
    };
    if let Some(at) = &ask.at {
        return allowed(at);
    }
    if let Some(id) = ask.alert {
        let alert = desk.live.store.read(move |reader| reader.alert(id)).await?;
        let offers = alert.map(|alert| alert.contain).unwrap_or_default();
        if let Some(offer) = offers.iter().find(|offer| offer.action == ask.action) {
            return allowed(&offer.at);
        }
    }
    let snapshot = desk.live.snapshot();
    let connector = ask.action.split('/').next();
    let fits: Vec<&str> = snapshot
        .catalog
        .config
        .connections
        .iter()
        .filter(|connection| Some(connection.connector.name.as_str()) == connector)
        .map(|connection| connection.name.as_str())
        .collect();
    if let [only] = fits.as_slice() {
        return allowed(only);
    }
    // Only what the caller may use is named to it.
    let may: Vec<&str> = fits
        .into_iter()
        .filter(|at| caller.may_ask(&ask.action, at))
        .collect();
    if may.is_empty() {
        return allowed("*").map(|_| None);
    }
    let may = may.join(", ");
    Err(Problem::invalid(&[format!(
        "`at` is missing: several connections fit, {may}"
    )]))
}

/// `GET /v1/actions/{id}`: 202 while it is open, 200 after that; the body is the same.
pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    let id: ActionId = asked.id(2)?;
    let caller = asked.caller;
    let (action, calls) = desk
        .live
        .store
        .read(move |reader| Ok((visible(reader, &caller, id)?, reader.calls(id)?)))
        .await?;
    let action = action.ok_or_else(|| nowhere(id))?;
    Ok(answer(
        &desk,
        &action,
        [("calls", json!(calls))].into_iter().collect(),
    ))
}

/// `GET /v1/actions`: those of `ids`, or a page of those that pass the filters, the newest first.
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    let mut form = asked.query(&FILTERS);
    let page = Page::of(&mut form);
    let ids = form.text("ids");
    let filter = ActionFilter {
        state: form.word("state", "a state of an action", shown::state_of),
        action: form.text("action"),
        connection: form.text("at"),
        alert: form.word("alert", "the id of an alert", |text| text.parse().ok()),
        before: form.word("before", "what `next` said", |text| text.parse().ok()),
    };
    form.finish()?;
    let url = desk.live.snapshot().catalog.config.public_url.clone();
    let Some(ids) = ids else {
        asked.need(&Scope::ActionsRead)?;
        let rows = desk
            .live
            .store
            .read(move |reader| reader.actions(&filter, page.to_read()))
            .await?;
        return Ok(page.show(
            "actions",
            rows,
            |action| action.id.to_string(),
            |action| shown::flat(action, &url),
        ));
    };
    let ids: Vec<ActionId> = ids
        .split(',')
        .map(|id| id.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|error: crate::id::NotAnId| Problem::invalid(&[error.to_string()]))?;
    if ids.len() > MOST_IDS {
        return Err(Problem::invalid(&[format!("`ids` are at most {MOST_IDS}")]));
    }
    let caller = asked.caller;
    let found = desk
        .live
        .store
        .read(move |reader| {
            ids.into_iter()
                .map(|id| Ok((id, visible(reader, &caller, id)?)))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let missing: Vec<ActionId> = found
        .iter()
        .filter(|(_, action)| action.is_none())
        .map(|(id, _)| *id)
        .collect();
    let actions: Vec<Value> = found
        .iter()
        .filter_map(|(_, action)| action.as_ref())
        .map(|action| shown::flat(action, &url))
        .collect();
    Ok(ok(
        &json!({ "actions": actions, "missing": missing, "next": null }),
    ))
}

/// `POST /v1/actions/{id}/cancel`
pub(super) async fn cancel(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (id, by, _) = own(&desk, asked).await?;
    let action = containment::cancel(&desk.live, id, &by)
        .await
        .map_err(refusal)?;
    Ok(answer(&desk, &action, Vec::new()))
}

/// `POST /v1/actions/{id}/revert`
pub(super) async fn revert(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (id, by, wait) = own(&desk, asked).await?;
    let action = containment::revert(&desk.live, id, &by)
        .await
        .map_err(refusal)?;
    settled(&desk, action, wait).await
}

/// The action in the path, for a caller that may ask for what it did.
async fn own(desk: &Desk, asked: Asked) -> Result<(ActionId, String, Option<Duration>), Problem> {
    let id: ActionId = asked.id(2)?;
    let Asked {
        caller,
        parts,
        body,
    } = asked;
    let keys = ["wait_seconds"];
    let mut form = desk.places.form(&parts.headers, body, &keys).await?;
    let wait = key::wait(&parts.headers, &mut form);
    form.finish()?;
    let action = desk
        .live
        .store
        .read(move |reader| reader.action(id))
        .await?;
    let action = action
        .filter(|action| is_visible(&caller, action))
        .ok_or_else(|| nowhere(id))?;
    if !caller.may_ask(&action.action, &action.at) {
        let scope = format!("{} at {}", action.action, action.at);
        return Err(Problem::missing_scope(&caller.name, &scope));
    }
    Ok((id, caller.name, wait))
}

/// Those who ask for an action may look at it with the same token: pollers send no other.
fn is_visible(caller: &Caller, action: &Action) -> bool {
    caller.may(&Scope::ActionsRead)
        || caller.name == action.by
        || caller.may_ask(&action.action, &action.at)
}

fn visible(
    reader: &Reader<'_>,
    caller: &Caller,
    id: ActionId,
) -> Result<Option<Action>, crate::store::Error> {
    let action = reader.action(id)?;
    Ok(action.filter(|action| is_visible(caller, action)))
}

fn nowhere(id: ActionId) -> Problem {
    Problem::not_found(format!("there is no action `{id}`, or not for this caller"))
}

/// The action as it stands after the caller has waited. A caller that waited looks at the status
/// alone, so that what failed is no 2xx to it (soar-and-standards.md, 11).
async fn settled(desk: &Desk, action: Action, wait: Option<Duration>) -> Result<Response, Problem> {
    let Some(at_most) = wait else {
        return Ok(answer(desk, &action, Vec::new()));
    };
    let action = if action.is_open() {
        containment::wait(&desk.live, action.id, at_most)
            .await?
            .unwrap_or(action)
    } else {
        action
    };
    let (status, code) = match action.state {
        ActionState::Failed => (StatusCode::BAD_GATEWAY, "action_failed"),
        ActionState::RevertFailed => (StatusCode::BAD_GATEWAY, "revert_failed"),
        ActionState::Unknown => (StatusCode::GATEWAY_TIMEOUT, "action_unknown"),
        ActionState::RevertConflict => (StatusCode::CONFLICT, "revert_conflict"),
        ActionState::Cancelled => (StatusCode::CONFLICT, "action_cancelled"),
        ActionState::Rejected => (StatusCode::FORBIDDEN, "action_rejected"),
        ActionState::Expired => (StatusCode::CONFLICT, "action_expired"),
        _ => return Ok(answer(desk, &action, Vec::new())),
    };
    let url = &desk.live.snapshot().catalog.config.public_url;
    let problem = Problem::new(status, code, &action.message);
    Err(shown::members(&action, url)
        .into_iter()
        .fold(problem, |problem, (name, value)| problem.with(&name, value)))
}

fn answer(desk: &Desk, action: &Action, more: Vec<(&'static str, Value)>) -> Response {
    let url = &desk.live.snapshot().catalog.config.public_url;
    let mut body = shown::members(action, url);
    body.extend(
        more.into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let body = Value::Object(body);
    if !action.is_open() {
        return ok(&body);
    }
    let mut response = json(StatusCode::ACCEPTED, &body);
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(shown::status_url(action, url)) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::RETRY_AFTER, LOOK_AGAIN);
    response
}

/// Containment's refusal as a problem.
pub(super) fn refusal(refused: Refused) -> Problem {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let (code, after) = match &refused {
        Refused::Store(_) => (None, None),
        Refused::Bad(_) => (Some("bad_request"), None),
        Refused::Missing(_) => (Some("not_found"), None),
        Refused::Conflict(_) => (Some("conflict"), None),
        Refused::KeyReused(_) => (Some("key_reused"), None),
        Refused::Frozen { .. } => (Some("frozen"), None),
        Refused::Unavailable(_) => (Some("unavailable"), Some(5)),
    };
    match (refused, code) {
        (Refused::Store(error), _) => error.into(),
        (refused, code) => {
            Problem::new(status, code.unwrap_or("refused"), refused.to_string()).after(after)
        }
    }
}
