//! Delivery over TLS to a server of a private authority: the certificates of `tests/data/tls/outgoing`.

use super::Scene;
use super::splunk::{TOKEN, many};
use crate::catalog::Files;
use crate::delivery::start as begin_delivery;
use crate::sandbox::splunk::{Options, Token, start};
use crate::sandbox::{Listen, Pem};

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("tests/data/tls/outgoing/{name}")).unwrap()
}

/// A collector on `https://localhost`, trusted by `ca` alone.
async fn scene(
    ca: &str,
) -> (
    crate::sandbox::Running<crate::sandbox::splunk::Indexer>,
    Scene,
) {
    let tls = Pem {
        certificate: file("server.crt"),
        key: file("leaf.key"),
    };
    let splunk = start(Options {
        listen: Listen {
            tls: Some(tls),
            ..Listen::default()
        },
        ..Options::with_token(Token::new(TOKEN))
    })
    .await
    .unwrap();
    let url = splunk.url().replace("127.0.0.1", "localhost");
    assert!(url.starts_with("https://localhost:"), "{url}");
    let soc = format!(
        "  soc: {{ connector: splunk, url: \"{url}\", reach: loopback, token: {{ file: hec }}, ca: {{ file: ca.pem }} }}"
    );
    let scene = Scene::idle(
        Files::built_in(),
        &soc,
        &[("hec", TOKEN), ("ca.pem", &file(ca))],
    );
    begin_delivery(&scene.live);
    (splunk, scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_over_tls_where_the_authority_is_named() {
    let (splunk, scene) = scene("ca.crt").await;
    scene.owe_all("soc", &many(&scene, 3)).await;
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 3);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_stops_the_destination_and_loses_nothing() {
    let (splunk, scene) = scene("other-ca.crt").await;
    scene.owe("soc", &scene.alert("income")).await;
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    let standing = scene.standing("soc").await;
    let why = standing.stopped.unwrap();
    assert!(why.contains("authority that is not known here"), "{why}");
    assert_eq!((standing.waiting, splunk.recorded().count()), (1, 0));
    scene.stop().await;
}
