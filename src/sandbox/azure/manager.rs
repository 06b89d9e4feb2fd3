//! What Azure Resource Manager shows of a data collection rule and of a table; it changes nothing.
//!
//! The shapes are those of the API versions 2023-03-11 (rules) and 2022-10-01 (tables). A token for another
//! audience is refused with 401, an application without the role Reader with 403.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::routes::error;
use super::stream::{Column, ColumnType, Stream};
use super::token::MANAGEMENT;
use super::{Workspace, locked};
use crate::sandbox::body;

/// Names of what the rule is made of.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The subscription's id.
    pub subscription: String,
    /// The resource group.
    pub group: String,
    /// The rule's name.
    pub rule: String,
    /// The workspace's name.
    pub workspace: String,
    /// The table that the rule writes to.
    pub table: String,
    /// The columns of that table.
    pub columns: Vec<Column>,
    /// Whether the application has the role Reader.
    pub readable: bool,
}

impl Resources {
    /// A rule whose table has what the stream declares.
    pub fn of(stream: &Stream) -> Self {
        let table = stream.name.strip_prefix("Custom-").unwrap_or(&stream.name);
        Self {
            subscription: "22222222-3333-4444-5555-666666666666".to_owned(),
            group: "soc".to_owned(),
            rule: "andon".to_owned(),
            workspace: "soc-logs".to_owned(),
            table: table.to_owned(),
            columns: stream.columns.clone(),
            readable: true,
        }
    }
}

pub(super) fn routes() -> Router<Arc<Workspace>> {
    Router::new()
        .route(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Insights/dataCollectionRules/{rule}",
            get(rule),
        )
        .route(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/{workspace}/tables/{table}",
            get(table),
        )
}

async fn rule(
    State(workspace): State<Arc<Workspace>>,
    Path((subscription, group, rule)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let of = &workspace.options.resources;
    if let Some(refused) = admit(&workspace, &query, &headers, "2023-03-11") {
        return refused;
    }
    if (&subscription, &group, &rule) != (&of.subscription, &of.group, &of.rule) {
        return missing("Microsoft.Insights/dataCollectionRules", &rule, &group);
    }
    let streams = &workspace.options.streams;
    let declared: Value = streams
        .iter()
        .map(|stream| {
            (
                stream.name.clone(),
                json!({ "columns": columns(&stream.columns) }),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    let flows: Vec<Value> = streams
        .iter()
        .map(|stream| {
            json!({
                "streams": [stream.name],
                "destinations": ["workspace"],
                "transformKql": "source",
                "outputStream": format!("Custom-{}", of.table),
            })
        })
        .collect();
    let workspace_id = format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/{}",
        of.workspace
    );
    body::json(
        200,
        &json!({
            "name": rule,
            "kind": "Direct",
            "properties": {
                "immutableId": workspace.options.dcr,
                "streamDeclarations": declared,
                "destinations": { "logAnalytics": [{ "name": "workspace", "workspaceResourceId": workspace_id }] },
                "dataFlows": flows,
                "provisioningState": "Succeeded",
            },
        }),
    )
}

async fn table(
    State(workspace): State<Arc<Workspace>>,
    Path((subscription, group, name, table)): Path<(String, String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let of = &workspace.options.resources;
    if let Some(refused) = admit(&workspace, &query, &headers, "2022-10-01") {
        return refused;
    }
    let asked = (&subscription, &group, &name, &table);
    if asked != (&of.subscription, &of.group, &of.workspace, &of.table) {
        return missing(
            "Microsoft.OperationalInsights/workspaces/tables",
            &table,
            &group,
        );
    }
    body::json(
        200,
        &json!({
            "name": table,
            "properties": {
                "plan": "Analytics",
                "schema": {
                    "name": table,
                    "columns": columns(&of.columns),
                    "standardColumns": [{ "name": "TenantId", "type": "guid" }],
                },
                "provisioningState": "Succeeded",
            },
        }),
    )
}

fn admit(
    workspace: &Workspace,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
    version: &str,
) -> Option<Response> {
    let bearer =
        body::header(headers, "authorization").and_then(|text| text.strip_prefix("Bearer "));
    let now = workspace.clock.steady();
    let good =
        bearer.is_some_and(|token| locked(&workspace.issued).is_good(token, MANAGEMENT, now));
    if !good {
        return Some(error(
            401,
            "InvalidAuthenticationToken",
            "The access token is invalid.",
        ));
    }
    if query.get("api-version").map(String::as_str) != Some(version) {
        return Some(error(
            400,
            "InvalidApiVersionParameter",
            "The api-version is missing or not supported.",
        ));
    }
    (!workspace.options.resources.readable).then(|| {
        error(
            403,
            "AuthorizationFailed",
            "The client does not have authorization to perform action over scope.",
        )
    })
}

fn missing(kind: &str, name: &str, group: &str) -> Response {
    error(
        404,
        "ResourceNotFound",
        &format!("The Resource '{kind}/{name}' under resource group '{group}' was not found."),
    )
}

fn columns(columns: &[Column]) -> Value {
    let word = |of| match of {
        ColumnType::String => "string",
        ColumnType::Int => "int",
        ColumnType::Long => "long",
        ColumnType::Real => "real",
        ColumnType::Boolean => "boolean",
        ColumnType::DateTime => "datetime",
        ColumnType::Dynamic => "dynamic",
    };
    columns
        .iter()
        .map(|column| json!({ "name": column.name, "type": word(column.of) }))
        .collect()
}
