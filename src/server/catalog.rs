//! What may be asked for, and where: what a playbook's author picks from.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Desk;
use super::callers::Asked;
use super::page::{object, ok};
use super::problem::Problem;
use crate::config::Scope;
use crate::containment;

/// `GET /v1/catalog/actions`: each action on each connection that has it. Who may not read all sees
/// what it may ask for.
pub(super) async fn actions(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let mut form = asked.query(&["at", "action"]);
    let (at, only) = (form.text("at"), form.text("action"));
    form.finish()?;
    let reads_all = asked.caller.may(&Scope::ActionsRead);
    let asks = |scope: &Scope| matches!(scope, Scope::Action { .. });
    if !reads_all && !asked.caller.may.iter().any(asks) {
        asked.need(&Scope::ActionsRead)?;
    }
    let snapshot = desk.live.snapshot();
    let mut actions: Vec<Value> = Vec::new();
    for connection in &snapshot.catalog.config.connections {
        if at.as_ref().is_some_and(|at| *at != connection.name) {
            continue;
        }
        let connector = &connection.connector;
        for rule in &connector.actions {
            let name = format!("{}/{}", connector.name, rule.name);
            let may_ask = asked.caller.may_ask(&name, &connection.name);
            let wanted = only.as_ref().is_none_or(|only| *only == name);
            if wanted && (reads_all || may_ask) {
                actions.push(object(
                    &containment::describe(rule, connector),
                    [
                        ("action", name.into()),
                        ("at", connection.name.as_str().into()),
                        ("may_ask", may_ask.into()),
                    ],
                )?);
            }
        }
    }
    Ok(ok(&json!({ "actions": actions })))
}
