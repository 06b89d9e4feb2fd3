//! Taking a token back before its end.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Desk;
use super::callers::Asked;
use super::health::administrator;
use super::page::ok;
use super::problem::Problem;

/// `POST /v1/tokens/revoke` with the hash that stands in `callers:`: the token is refused from now on,
/// also after a restart, within a second.
pub(super) async fn revoke(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (by, mut form) = administrator(&desk, asked, &["hash"]).await?;
    let hash = form
        .text("hash")
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    form.finish()?;
    let is_hash = hash
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !is_hash {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "not_a_hash",
            "`hash` is `sha256:` and 64 hexadecimal digits, as it stands under `callers:`",
        ));
    }
    let about = json!({ "hash": hash });
    desk.live
        .store
        .write(move |tx| {
            tx.revoke(&hash, &by)?;
            tx.audit(&by, "token.revoked", &about)
        })
        .await?;
    Ok(ok(&json!({ "revoked": true })))
}
