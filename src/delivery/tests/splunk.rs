use serde_json::json;

use super::{Scene, revised, within};
use crate::alert::State;
use crate::sandbox::Running;
use crate::sandbox::splunk::{Indexer, Options, Token, start};

const TOKEN: &str = "00000000-0000-0000-0000-000000000001";

async fn begin() -> (Running<Indexer>, Scene) {
    let splunk = start(Options::with_token(Token::new(TOKEN))).await.unwrap();
    let soc = soc(splunk.url());
    let scene = Scene::begin(&soc, &[("hec", TOKEN)]);
    (splunk, scene)
}

fn soc(url: &str) -> String {
    format!(
        "  soc: {{ connector: splunk, url: \"{url}\", reach: loopback, token: {{ file: hec }} }}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_revision_arrives_as_an_ocsf_event_in_its_own_envelope() {
    let (splunk, scene) = begin().await;
    let opened = scene.alert("income");
    let over = revised(&opened, State::Resolved);
    scene.owe_all("soc", &[opened.clone(), over]).await;
    within(splunk.recorded().reaches(2)).await;
    scene.empty("soc").await;
    let events = splunk.recorded().events();
    assert_eq!(events[0].sourcetype, "ocsf:andon");
    assert_eq!(events[0].source, "andon");
    assert_eq!(events[0].host, "reports.example.com");
    let uids: Vec<_> = events
        .iter()
        .map(|event| event.event["metadata"]["uid"].clone())
        .collect();
    let id = opened.id;
    assert_eq!(uids, [json!(format!("{id}-1")), json!(format!("{id}-2"))]);
    scene.stop().await;
}
