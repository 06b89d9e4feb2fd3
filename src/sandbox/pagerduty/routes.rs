//! `/v2/enqueue`, and the order in which a call is looked at.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Map, Value, json};

use super::{Pager, check};
use crate::sandbox::body::{self, Unusable};

/// The documented total of a call: 512 KB. That KB means 1,024 bytes is an assumption.
const CALL_AT_MOST: usize = 512 * 1024;

pub(super) fn all(pager: Arc<Pager>) -> Router {
    Router::new()
        .route("/v2/enqueue", post(enqueue))
        .fallback(async || body::typed(404, "text/plain", "Not Found".to_owned()))
        .with_state(pager)
}

async fn enqueue(State(pager): State<Arc<Pager>>, sent: Body) -> Response {
    let sent = match body::read(sent, CALL_AT_MOST).await {
        Ok(sent) => sent,
        // Documented is only that it is rejected; users report 413, so a sender must know 413.
        Err(Unusable::TooLong) => {
            return body::typed(413, "text/plain", "Request Entity Too Large".to_owned());
        }
        Err(Unusable::NotGzip | Unusable::Broken) => {
            return invalid(&["JSON is invalid".to_owned()]);
        }
    };
    let Ok(read) = serde_json::from_slice::<Map<String, Value>>(&sent) else {
        return invalid(&["JSON is invalid".to_owned()]);
    };
    let event = match check::check(read) {
        Ok(event) => event,
        Err(errors) => return invalid(&errors),
    };
    // What an unknown key gets is not documented for this API; 400 "Invalid routing key" is what
    // users report.
    if !pager.options.routing_keys.contains(&event.routing_key) {
        let answer = json!({
            "status": "invalid event",
            "message": "Event object is invalid",
            "errors": ["Invalid routing key"],
        });
        return body::json(400, &answer);
    }
    if !pager.within_rate(&event.routing_key) {
        // Not ingested; no Retry-After is documented for this API.
        let answer = json!({ "status": "throttle exceeded", "message": "Requests for this service are arriving too quickly.  Please retry later." });
        return body::json(429, &answer);
    }
    let dedup_key = pager.take(event, &sent);
    let answer = json!({
        "status": "success",
        "message": "Event processed",
        "dedup_key": dedup_key,
    });
    body::json(202, &answer)
}

fn invalid(errors: &[String]) -> Response {
    let answer = json!({
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": errors,
    });
    body::json(400, &answer)
}
