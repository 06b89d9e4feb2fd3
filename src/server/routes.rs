//! Which path leads where.
//!
//! Later issues add approve, reject and extend, `/v1/do`, `/v1/hooks` and OpenC2 here; until
//! then these paths are 404.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::body::Places;
use super::callers::Gate;
use super::{
    Desk, actions, alerts, answers, catalog, connections, dead_letters, destinations, dress,
    health, metrics, reload, signals, stuck, tokens,
};
use crate::live::Live;

/// Every route. For tests: without a local token, so only the callers of `andon.yaml` are known.
pub fn router(live: &Arc<Live>) -> Router {
    with_local_token(live, None)
}

/// Every route. `local` is the hash of the local token.
pub(super) fn with_local_token(live: &Arc<Live>, local: Option<String>) -> Router {
    let desk = Arc::new(Desk {
        live: Arc::clone(live),
        gate: Gate::new(local),
        places: Places::default(),
    });
    let around = || from_fn_with_state(Arc::clone(&desk), dress::around);
    // Signals pass no layer: what the others get from layers, `signals::receive` does itself.
    let fast = Router::new()
        .route(
            "/v1/signals/{name}",
            post(signals::receive).merge(get(signals::show).layer(around())),
        )
        .route("/v1/signals/{name}/{token}", post(signals::receive))
        .method_not_allowed_fallback(dress::no_method);
    let others = Router::new()
        .route("/v1/signals", get(signals::list))
        .route("/v1/alerts", get(alerts::list))
        .route("/v1/alerts/{id}", get(alerts::show))
        .route("/v1/alerts/{id}/ack", post(answers::acknowledge))
        .route("/v1/alerts/{id}/resolve", post(answers::resolve))
        .route("/v1/alerts/{id}/note", post(answers::note))
        .route("/v1/actions", get(actions::list).post(actions::request))
        .route("/v1/actions/{id}", get(actions::show))
        .route("/v1/actions/{id}/cancel", post(actions::cancel))
        .route("/v1/actions/{id}/revert", post(actions::revert))
        .route("/v1/catalog/actions", get(catalog::actions))
        .route("/v1/connections", get(connections::list))
        .route("/v1/connections/{name}/test", post(connections::test))
        .route("/v1/destinations", get(destinations::list))
        .route("/v1/destinations/{name}/resume", post(destinations::resume))
        .route("/v1/tokens/revoke", post(tokens::revoke))
        .route("/v1/stuck", get(stuck::list))
        .route("/v1/stuck/{id}", get(stuck::show))
        .route("/v1/stuck/{id}/retry", post(stuck::retry))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/{id}", get(dead_letters::show))
        .route("/v1/dead-letters/{id}/retry", post(dead_letters::retry))
        .route("/v1/dead-letters/{id}/drop", post(dead_letters::drop))
        .route("/v1/whoami", get(health::who_am_i))
        .route("/v1/status", get(health::status))
        .route("/v1/reload", post(reload::reload))
        .route("/v1/freeze", post(health::freeze))
        .route("/v1/unfreeze", post(health::unfreeze))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .fallback(dress::no_route)
        .method_not_allowed_fallback(dress::no_method)
        .layer(around());
    others.merge(fast).with_state(desk)
}
