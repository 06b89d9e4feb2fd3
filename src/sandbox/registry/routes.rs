//! The paths under `/api/2.0/mlflow`, and MLflow's answers to what it does not know.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde_json::{Map, Value, json};

use super::shelf::{NewVersion, Refused, Tags};
use super::{Registry, search};
use crate::sandbox::body;

/// No call of a registry needs more.
const CALL_AT_MOST: usize = 1_000_000;

type Shared = State<Arc<Registry>>;
type Pairs = Query<Vec<(String, String)>>;
type Answer = Result<Value, Refused>;

pub(super) fn all(registry: Arc<Registry>) -> Router {
    let api = Router::new()
        .route("/registered-models/create", post(create_model))
        .route("/registered-models/search", get(search_models))
        .route("/registered-models/get", get(get_model))
        .route(
            "/registered-models/alias",
            get(get_alias).post(set_alias).delete(delete_alias),
        )
        .route("/model-versions/create", post(create_version))
        .route("/model-versions/search", get(search_versions))
        .route("/model-versions/get", get(get_version))
        .route("/model-versions/set-tag", post(set_tag))
        .route("/model-versions/delete-tag", delete(delete_tag))
        .route("/webhooks", get(list_webhooks).post(create_webhook))
        .route("/webhooks/{id}", delete(delete_webhook));
    Router::new()
        .nest("/api/2.0/mlflow", api)
        .route("/health", get(async || "OK"))
        .fallback(async || unknown())
        .layer(middleware::from_fn_with_state(
            registry.clone(),
            at_the_door,
        ))
        .with_state(registry)
}

/// MLflow's security middleware: only hosts it knows, here loopback; then the proxy's token.
async fn at_the_door(State(registry): Shared, request: Request, next: Next) -> Response {
    let host = body::header(request.headers(), "host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "" | "127.0.0.1" | "localhost" | "[::1]") {
        let text = "Invalid Host header - possible DNS rebinding attack detected";
        return body::typed(403, "text/plain", text.to_owned());
    }
    let given = body::header(request.headers(), "authorization")
        .and_then(|text| text.strip_prefix("Bearer "));
    if registry.token.is_some() && given != registry.token.as_deref() {
        return body::typed(401, "text/plain", "Unauthorized".to_owned());
    }
    next.run(request).await
}

fn unknown() -> Response {
    let page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n";
    body::typed(404, "text/html; charset=utf-8", page.to_owned())
}

fn answer(answer: Answer) -> Response {
    match answer {
        Ok(value) => body::json(200, &value),
        Err(refused) => body::json(refused.status, &refused.body()),
    }
}

async fn create_model(State(registry): Shared, sent: Body) -> Response {
    answer(read(sent).await.and_then(|call| {
        let name = call.text("name")?;
        let shown = registry.do_create_model(name, call.tags(), call.optional("description"))?;
        Ok(json!({ "registered_model": shown }))
    }))
}

async fn create_version(State(registry): Shared, sent: Body) -> Response {
    answer(read(sent).await.and_then(|call| {
        let name = call.text("name")?;
        let version = NewVersion {
            source: call.text("source")?.to_owned(),
            run_id: call.optional("run_id"),
            tags: call.tags(),
            description: call.optional("description"),
        };
        let number = registry.do_create_version(name, version)?;
        let shown = registry.shelf().show_version(name, number, true)?;
        Ok(json!({ "model_version": shown }))
    }))
}

async fn set_alias(State(registry): Shared, sent: Body) -> Response {
    answer(read(sent).await.and_then(|call| {
        registry.do_set_alias(
            call.text("name")?,
            call.text("alias")?,
            call.text("version")?,
        )?;
        Ok(json!({}))
    }))
}

async fn delete_alias(State(registry): Shared, Query(query): Pairs, sent: Body) -> Response {
    answer(read_or(sent, query).await.and_then(|call| {
        registry.do_delete_alias(call.text("name")?, call.text("alias")?)?;
        Ok(json!({}))
    }))
}

async fn set_tag(State(registry): Shared, sent: Body) -> Response {
    answer(read(sent).await.and_then(|call| {
        let (name, version) = (call.text("name")?, call.text("version")?);
        registry.do_set_tag(name, version, call.text("key")?, call.text("value")?)?;
        Ok(json!({}))
    }))
}

async fn delete_tag(State(registry): Shared, Query(query): Pairs, sent: Body) -> Response {
    answer(read_or(sent, query).await.and_then(|call| {
        registry.do_delete_tag(call.text("name")?, call.text("version")?, call.text("key")?)?;
        Ok(json!({}))
    }))
}

async fn get_alias(State(registry): Shared, Query(query): Pairs) -> Response {
    let call = Call::from(query);
    let found = || {
        let name = call.text("name")?;
        let shelf = registry.shelf();
        let number = shelf.alias(name, call.text("alias")?)?;
        Ok(json!({ "model_version": shelf.show_version(name, number, true)? }))
    };
    answer(found())
}

async fn get_version(State(registry): Shared, Query(query): Pairs) -> Response {
    let call = Call::from(query);
    let found = || {
        let name = call.text("name")?;
        let shelf = registry.shelf();
        let number = shelf.version(name, call.text("version")?)?;
        Ok(json!({ "model_version": shelf.show_version(name, number, true)? }))
    };
    answer(found())
}

async fn get_model(State(registry): Shared, Query(query): Pairs) -> Response {
    let call = Call::from(query);
    let found = || {
        let shown = registry.shelf().show_model(call.text("name")?)?;
        Ok(json!({ "registered_model": shown }))
    };
    answer(found())
}

async fn search_models(State(registry): Shared, Query(query): Pairs) -> Response {
    answer(
        search::Asked::from_query(&query)
            .and_then(|asked| search::models(&registry.shelf(), &asked)),
    )
}

async fn search_versions(State(registry): Shared, Query(query): Pairs) -> Response {
    answer(
        search::Asked::from_query(&query)
            .and_then(|asked| search::versions(&registry.shelf(), &asked)),
    )
}

async fn create_webhook(State(registry): Shared, sent: Body) -> Response {
    answer(read(sent).await.and_then(|call| {
        let shown = registry.create_webhook(&Value::Object(call.0))?;
        Ok(json!({ "webhook": shown }))
    }))
}

async fn list_webhooks(State(registry): Shared) -> Response {
    let shelf = registry.shelf();
    let shown: Vec<Value> = shelf
        .hooks
        .iter()
        .rev()
        .map(super::webhook::Hook::shown)
        .collect();
    drop(shelf);
    answer(Ok(if shown.is_empty() {
        json!({})
    } else {
        json!({ "webhooks": shown })
    }))
}

async fn delete_webhook(State(registry): Shared, Path(id): Path<String>) -> Response {
    let mut shelf = registry.shelf();
    let before = shelf.hooks.len();
    shelf.hooks.retain(|hook| hook.id != id);
    let gone = shelf.hooks.len() < before;
    drop(shelf);
    let missing = || Refused::not_found(format!("Webhook with ID {id} not found."));
    answer(gone.then(|| json!({})).ok_or_else(missing))
}

/// The parameters of a call, from its body or its query.
struct Call(Map<String, Value>);

impl From<Vec<(String, String)>> for Call {
    fn from(query: Vec<(String, String)>) -> Self {
        Self(
            query
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect(),
        )
    }
}

impl Call {
    fn text(&self, key: &str) -> Result<&str, Refused> {
        self.0
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refused::missing(key))
    }

    fn optional(&self, key: &str) -> Option<String> {
        self.0
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    fn tags(&self) -> Tags {
        let text = |tag: &Value, key: &str| {
            tag.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let listed = self.0.get("tags").and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .map(|tag| (text(tag, "key"), text(tag, "value")))
            .collect()
    }
}

async fn read(sent: Body) -> Result<Call, Refused> {
    let bad = || Refused::invalid("Invalid request body: not a JSON object.".to_owned());
    let sent = body::read(sent, CALL_AT_MOST).await.map_err(|_| bad())?;
    serde_json::from_slice(&sent).map(Call).map_err(|_| bad())
}

/// DELETE carries a JSON body; without one the query counts.
async fn read_or(sent: Body, query: Vec<(String, String)>) -> Result<Call, Refused> {
    if query.is_empty() {
        read(sent).await
    } else {
        Ok(Call::from(query))
    }
}
