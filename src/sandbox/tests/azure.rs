use std::time::Duration;

use serde_json::json;

use super::client::{Answer, ask, gzip};
use crate::clock::Clock;
use crate::sandbox::Running;
use crate::sandbox::azure::{Options, Stream, Workspace, start_at};

const PATH: &str = "/dataCollectionRules/dcr-00000000000000000000000000000001/streams/Custom-Andon_CL?api-version=2023-01-01";
const ROW: &[u8] = br#"[{"TimeGenerated":"2026-11-23T08:00:00Z","Title":"t","Extra":1}]"#;

async fn begin() -> (Running<Workspace>, Clock) {
    let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
    let stream = Stream::new(
        "Custom-Andon_CL",
        &[("TimeGenerated", "datetime"), ("Title", "string")],
    );
    (
        start_at(Options::with_stream(stream), clock.clone())
            .await
            .unwrap(),
        clock,
    )
}

async fn token(azure: &Running<Workspace>, form: &str) -> Answer {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    ask(
        azure.url(),
        "POST",
        &azure.recorded().token_path(),
        &headers,
        form.as_bytes(),
    )
    .await
    .unwrap()
}

const FORM: &str = "client_id=66666666-7777-8888-9999-000000000000&client_secret=a+sandbox%27s+secret&grant_type=client_credentials&scope=https%3A%2F%2Fmonitor.azure.com%2F.default";

async fn send(
    azure: &Running<Workspace>,
    path: &str,
    extra: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let bearer = format!(
        "Bearer {}",
        token(azure, FORM).await.json()["access_token"]
            .as_str()
            .unwrap()
    );
    let mut headers = vec![
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    headers.extend_from_slice(extra);
    ask(azure.url(), "POST", path, &headers, body)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_token_endpoint_refuses_as_microsoft_does() {
    let (azure, _) = begin().await;
    let good = token(&azure, FORM).await;
    assert_eq!(good.status, 200);
    assert_eq!(good.json()["expires_in"], 3599);
    let table = [
        (
            FORM.replace("a+sandbox%27s", "wrong"),
            401,
            "invalid_client",
            7_000_215,
        ),
        (
            FORM.replace("monitor.azure.com", "vault.azure.net"),
            400,
            "invalid_scope",
            70011,
        ),
        (
            FORM.replace("client_credentials", "password"),
            400,
            "unsupported_grant_type",
            70003,
        ),
        (
            FORM.replace("client_secret", "x"),
            401,
            "invalid_client",
            7_000_218,
        ),
        (String::new(), 400, "invalid_request", 900_144),
    ];
    for (form, status, error, code) in table {
        let answer = token(&azure, &form).await;
        assert_eq!(answer.status, status, "{form}");
        assert_eq!(answer.json()["error"], error);
        assert_eq!(answer.json()["error_codes"], json!([code]));
    }
    assert_eq!(azure.recorded().tokens_issued(), 1);
    azure.stop().await;
}

/// Token, headers, body; status and code that come of them.
type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], &'r [u8], u16, &'r str);

#[tokio::test]
async fn what_a_call_gets() {
    let (azure, _) = begin().await;
    let long = format!(r#"[{{"Title":"{}"}}]"#, "x".repeat(1_048_576));
    let gz = [("Content-Encoding", "gzip")];
    let packed = gzip(ROW);
    let bomb = gzip(long.as_bytes());
    let spread =
        br#"[{"TimeGenerated":"2026-11-23T08:00:00Z"},{"TimeGenerated":"2026-11-23T08:30:01Z"}]"#;
    let encoded = PATH.replace("api-version", "api%2Dversion");
    let table: [Row<'_>; 11] = [
        (PATH, &[], ROW, 204, ""),
        (&encoded, &[], ROW, 204, ""),
        (PATH, &gz, &packed, 204, ""),
        (PATH, &gz, ROW, 400, "InvalidRequest"),
        (
            PATH,
            &[],
            long.as_bytes(),
            413,
            "ContentLengthLimitExceeded",
        ),
        (PATH, &gz, &bomb, 413, "ContentLengthLimitExceeded"),
        (PATH, &[], br#"{"Title":"t"}"#, 400, "InvalidRequestBody"),
        (PATH, &[], b"[1]", 400, "InvalidRequestBody"),
        (
            PATH,
            &[],
            spread,
            400,
            "RecordsTimeRangeIsMoreThan30Minutes",
        ),
        (
            "/dataCollectionRules/dcr-x/streams/Custom-Andon_CL?api-version=2023-01-01",
            &[],
            ROW,
            404,
            "NotFound",
        ),
        (
            "/dataCollectionRules/dcr-00000000000000000000000000000001/streams/Custom-X?api-version=2023-01-01",
            &[],
            ROW,
            404,
            "NotFound",
        ),
    ];
    for (path, headers, body, status, code) in table {
        let answer = send(&azure, path, headers, body).await;
        assert_eq!(answer.status, status, "{path} {code}");
        assert_eq!(
            answer.json()["error"]["code"].as_str().unwrap_or_default(),
            code
        );
    }
    let rows = azure.recorded().rows();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].lost, ["Extra: not declared"]);
    azure.recorded().assign_role(false);
    assert_eq!(send(&azure, PATH, &[], ROW).await.status, 403);
    azure.stop().await;
}

#[tokio::test]
async fn a_token_grows_old() {
    let (azure, clock) = begin().await;
    let bearer = format!(
        "Bearer {}",
        token(&azure, FORM).await.json()["access_token"]
            .as_str()
            .unwrap()
    );
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let status = async || {
        ask(azure.url(), "POST", PATH, &headers, ROW)
            .await
            .unwrap()
            .status
    };
    assert_eq!(status().await, 204);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(status().await, 401);
    azure.stop().await;
}
