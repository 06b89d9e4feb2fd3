//! The client credentials grant, as Microsoft Entra answers it.

use std::collections::HashMap;
use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};

use super::{Options, Workspace, locked};
use crate::sandbox::body;

/// The scope of Azure Resource Manager in the public cloud.
pub(super) const MANAGEMENT: &str = "https://management.azure.com/.default";
/// How many live tokens are remembered; the oldest go first.
const AT_MOST: usize = 1000;

/// The tokens that are still good.
#[derive(Debug, Default)]
pub(super) struct Issued {
    live: Vec<Token>,
    count: u64,
}

/// A token that was given.
#[derive(Debug)]
struct Token {
    text: String,
    until: Duration,
    scope: String,
}

impl Issued {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn forget(&mut self) {
        self.live.clear();
    }

    /// A new token for a scope that is good until `until` on the steady clock.
    fn issue(&mut self, scope: &str, until: Duration) -> String {
        self.count += 1;
        let token = format!("sandbox.{:08}.token", self.count);
        if self.live.len() >= AT_MOST {
            self.live.remove(0);
        }
        self.live.push(Token {
            text: token.clone(),
            until,
            scope: scope.to_owned(),
        });
        token
    }

    /// Whether a token is good for what was asked of it: one for another audience is refused.
    pub(super) fn is_good(&self, token: &str, scope: &str, now: Duration) -> bool {
        self.live
            .iter()
            .any(|known| known.text == token && known.scope == scope && now < known.until)
    }
}

/// Answers a form. The error bodies have Microsoft's shape; their ids are made up.
pub(super) fn answer(
    workspace: &Workspace,
    tenant: &str,
    content_type: &str,
    form: &[u8],
) -> Response {
    let options = &workspace.options;
    if tenant != options.tenant {
        return refuse(
            400,
            "invalid_request",
            90002,
            "Tenant not found. Check to make sure you have the correct tenant ID.",
        );
    }
    let is_form = content_type.split(';').next().is_some_and(|kind| {
        kind.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let fields: HashMap<String, String> = if is_form {
        url::form_urlencoded::parse(form).into_owned().collect()
    } else {
        HashMap::new()
    };
    if let Err(refused) = check(options, &fields) {
        return refused;
    }
    let scope = fields.get("scope").map_or("", String::as_str);
    let lives = options.token_lives;
    let token = locked(&workspace.issued).issue(scope, workspace.clock.steady() + lives);
    let answer = json!({
        "token_type": "Bearer",
        "expires_in": lives.as_secs(),
        "ext_expires_in": lives.as_secs(),
        "access_token": token,
    });
    body::json(200, &answer)
}

fn check(options: &Options, fields: &HashMap<String, String>) -> Result<(), Response> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    match field("grant_type") {
        None => {
            return Err(refuse(
                400,
                "invalid_request",
                900_144,
                "The request body must contain the following parameter: 'grant_type'.",
            ));
        }
        Some("client_credentials") => {}
        Some(_) => {
            return Err(refuse(
                400,
                "unsupported_grant_type",
                70003,
                "The app requested an unsupported grant type.",
            ));
        }
    }
    let Some(client) = field("client_id") else {
        return Err(refuse(
            400,
            "invalid_request",
            900_144,
            "The request body must contain the following parameter: 'client_id'.",
        ));
    };
    if client != options.client_id {
        return Err(refuse(
            400,
            "unauthorized_client",
            700_016,
            "Application was not found in the directory.",
        ));
    }
    match field("client_secret") {
        None => Err(refuse(
            401,
            "invalid_client",
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )),
        Some(secret) if secret != options.client_secret => Err(refuse(
            401,
            "invalid_client",
            7_000_215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
        )),
        Some(_) => match field("scope") {
            None => Err(refuse(
                400,
                "invalid_request",
                900_144,
                "The request body must contain the following parameter: 'scope'.",
            )),
            Some(scope) if scope != options.scope && scope != MANAGEMENT => Err(refuse(
                400,
                "invalid_scope",
                70011,
                "The provided value for the input parameter 'scope' is not valid.",
            )),
            Some(_) => Ok(()),
        },
    }
}

fn refuse(status: u16, error: &str, code: u64, text: &str) -> Response {
    let answer: Value = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {text} Trace ID: 00000000-0000-0000-0000-000000000000 Correlation ID: 00000000-0000-0000-0000-000000000000 Timestamp: 2026-11-23 08:00:00Z"),
        "error_codes": [code],
        "timestamp": "2026-11-23 08:00:00Z",
        "trace_id": "00000000-0000-0000-0000-000000000000",
        "correlation_id": "00000000-0000-0000-0000-000000000000",
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    });
    body::typed(
        status,
        "application/json; charset=utf-8",
        answer.to_string(),
    )
}
