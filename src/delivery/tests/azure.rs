//! At Microsoft Sentinel's ingestion API.

use std::time::Duration;

use serde_json::{Value, json};

use super::{START, Scene, changed, within};
use crate::catalog::Files;
use crate::delivery::start as begin_delivery;
use crate::sandbox::azure::{Options, Stream, Workspace, start};
use crate::sandbox::{Fault, Running};

pub(super) async fn begin() -> (Running<Workspace>, Scene) {
    let (azure, scene) = idle().await;
    begin_delivery(&scene.live);
    (azure, scene)
}

/// A workspace, and a scene in which delivery does not run yet.
pub(super) async fn idle() -> (Running<Workspace>, Scene) {
    // The bound that the manifest keeps; a byte more is refused here.
    idle_with(Files::built_in(), 1_000_000).await
}

async fn idle_with(files: Files, call_at_most: usize) -> (Running<Workspace>, Scene) {
    let dcr: Value =
        serde_json::from_str(include_str!("../../../connectors/sentinel/dcr.json")).unwrap();
    let columns = dcr["properties"]["streamDeclarations"]["Custom-Andon_CL"]["columns"]
        .as_array()
        .unwrap();
    let columns: Vec<(&str, &str)> = columns
        .iter()
        .map(|column| {
            (
                column["name"].as_str().unwrap(),
                column["type"].as_str().unwrap(),
            )
        })
        .collect();
    let options = Options {
        call_at_most,
        ..Options::with_stream(Stream::new("Custom-Andon_CL", &columns))
    };
    let secret = options.client_secret.clone();
    let (dcr, client) = (options.dcr.clone(), options.client_id.clone());
    let azure = start(options).await.unwrap();
    let (url, token) = (azure.url(), azure.recorded().token_path());
    let logs = format!(
        "  logs: {{ connector: sentinel, url: \"{url}\", reach: loopback, dcr: {dcr}, token_url: \"{url}{token}\", client_id: {client}, client_secret: {{ file: app }} }}"
    );
    let scene = Scene::idle(files, &logs, &[("app", &secret)]);
    (azure, scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_revision_is_a_row_of_which_nothing_is_lost() {
    let (azure, scene) = begin().await;
    let alert = scene.alert("income");
    scene.owe("logs", &alert).await;
    scene.empty("logs").await;
    let rows = azure.recorded().rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].lost, Vec::<String>::new());
    assert_eq!(rows[0].columns["AlertId"], json!(alert.id));
    assert_eq!(rows[0].columns["EventSeverity"], "High");
    assert_eq!(rows[0].columns["TimeGenerated"], START);
    assert!(
        rows[0].columns["Description"]
            .as_str()
            .unwrap()
            .starts_with("income has drifted. HIGH")
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_value_is_cut_with_a_mark_before_azure_cuts_it_without() {
    let (azure, scene) = begin().await;
    let mut alert = scene.alert("income");
    alert
        .fields
        .insert("note".to_owned(), "é".repeat(50_000).into());
    scene.owe("logs", &alert).await;
    scene.empty("logs").await;
    let row = &azure.recorded().rows()[0];
    assert_eq!(row.lost, Vec::<String>::new());
    let fields = row.columns["Fields"].as_str().unwrap();
    assert!(fields.ends_with("…[cut]") && fields.len() <= 65_536);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_never_spans_more_than_half_an_hour() {
    // In seconds, in the order in which they are owed.
    for (times, requests) in [
        (&[30 * 60, 0][..], 1),
        (&[30 * 60 + 1, 0], 2),
        (&[15 * 60, 0, 40 * 60], 2),
        (&[15 * 60, 30 * 60, 0], 1),
    ] {
        let (azure, scene) = idle().await;
        let alerts = times.iter().map(|time| {
            let mut alert = scene.alert(&format!("column {time}"));
            alert.revised_at += Duration::from_secs(*time);
            alert
        });
        scene.owe_all("logs", &alerts.collect::<Vec<_>>()).await;
        begin_delivery(&scene.live);
        scene.empty("logs").await;
        assert_eq!(azure.recorded().rows().len(), times.len());
        assert_eq!(sent(&azure), requests, "{times:?}");
        scene.stop().await;
    }
}

/// Requests that carried rows.
fn sent(azure: &Running<Workspace>) -> u64 {
    azure.faults().requests() - azure.recorded().tokens_issued()
}

/// A sender who counts the rows alone, as Microsoft's own do, is refused with 413.
#[tokio::test(flavor = "multi_thread")]
async fn brackets_and_commas_count_towards_the_cap() {
    let nobody = super::soc_alone();
    let alert = nobody.alert("column 10");
    let rendered = crate::delivery::render(&nobody.live.snapshot(), "logs", &alert).unwrap();
    let ten = 10 * rendered.bytes.len();
    // Two brackets and nine commas; one byte more is counted, for the comma that is not there.
    for (cap, requests) in [(ten + 12, 2), (ten + 10, 3), (ten + 5, 3)] {
        let bytes = format!("bytes: {cap}");
        let (azure, scene) =
            idle_with(changed("sentinel", &[("bytes: 1000000", &bytes)]), cap).await;
        let alerts: Vec<_> = (10..30)
            .map(|number| scene.alert(&format!("column {number}")))
            .collect();
        scene.owe_all("logs", &alerts).await;
        begin_delivery(&scene.live);
        scene.empty("logs").await;
        assert_eq!(azure.recorded().count(), 20);
        assert_eq!(scene.standing("logs").await.last_error, None);
        assert_eq!(sent(&azure), requests, "{cap}");
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_renewed_once() {
    let (azure, scene) = begin().await;
    scene.owe("logs", &scene.alert("income")).await;
    scene.empty("logs").await;
    azure.recorded().expire_tokens();
    scene.owe("logs", &scene.alert("age")).await;
    scene.empty("logs").await;
    assert_eq!(azure.recorded().tokens_issued(), 2);
    assert_eq!(azure.recorded().count(), 2);
    assert_eq!(scene.standing("logs").await.last_error, None);
    azure.faults().only("/dataCollectionRules");
    azure
        .faults()
        .then_times(2, &Fault::Status(401, String::new()));
    scene.owe("logs", &scene.alert("score")).await;
    scene
        .until("logs", |standing| standing.stopped.is_some())
        .await;
    assert_eq!(azure.faults().waiting(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_not_yet_seen_is_waited_for() {
    // Ten minutes where the manifest says so, and where it does not say.
    for (pause, minutes) in [("      for: 10m", 10), ("      for: 3m", 3), ("", 10)] {
        let files = changed("sentinel", &[("      for: 10m", pause)]);
        role_is_waited_for(files, Duration::from_mins(minutes)).await;
    }
}

async fn role_is_waited_for(files: Files, pause: Duration) {
    let (azure, scene) = idle_with(files, 1_000_000).await;
    begin_delivery(&scene.live);
    azure.recorded().assign_role(false);
    scene.owe("logs", &scene.alert("income")).await;
    scene
        .until("logs", |standing| standing.paused_until.is_some())
        .await;
    let then = START.parse::<jiff::Timestamp>().unwrap() + pause;
    assert_eq!(scene.standing("logs").await.paused_until, Some(then));
    azure.recorded().assign_role(true);
    within(async {
        while scene.next_due("logs").await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    scene.passes(pause);
    scene.empty("logs").await;
    assert_eq!(azure.recorded().count(), 1);
    scene.stop().await;
}
