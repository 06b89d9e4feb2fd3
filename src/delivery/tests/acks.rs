//! Indexer acknowledgment: delivered is what the indexers have.

use std::time::Duration;

use super::splunk::{TOKEN, idle_with, ids, indexed, many};
use super::{START, Scene, changed, order, revised, snapshot, within};
use crate::alert::State;
use crate::catalog::Files;
use crate::delivery::{Way, start};
use crate::sandbox::splunk::{Indexer, Options, Token};
use crate::sandbox::{Fault, Running};

const ASK: Duration = Duration::from_secs(10);

fn options() -> Options {
    Options::with_token(Token {
        use_ack: true,
        ..Token::new(TOKEN)
    })
}

async fn begin() -> (Running<Indexer>, Scene) {
    let (splunk, scene) = idle_with(Files::built_in(), options(), ", ack: true").await;
    start(&scene.live);
    (splunk, scene)
}

/// Lets time pass until everything is acknowledged.
pub(super) async fn acknowledged(scene: &Scene) {
    within(async {
        while scene.waiting("soc").await > 0 {
            scene.passes(ASK);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Waits until so many requests were answered, asking ones too.
async fn requests(splunk: &Running<Indexer>, count: u64) {
    within(async {
        while splunk.faults().requests() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

fn waited(scene: &Scene) -> Duration {
    let waited = scene.clock.now().duration_since(START.parse().unwrap());
    Duration::try_from(waited).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_delivered_once_the_indexers_have_it() {
    let (splunk, scene) = begin().await;
    splunk.recorded().hold_acks(true);
    scene.owe_all("soc", &many(&scene, 3)).await;
    within(splunk.recorded().reaches(3)).await;
    requests(&splunk, 1).await;
    // Asked twice in vain, every ten seconds.
    for asked in 2..=3 {
        within(async {
            while splunk.faults().requests() < asked {
                scene.passes(ASK);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        let standing = scene.standing("soc").await;
        assert_eq!((standing.waiting, standing.last_delivered), (3, None));
    }
    splunk.recorded().hold_acks(false);
    acknowledged(&scene).await;
    let standing = scene.standing("soc").await;
    assert!(standing.last_delivered.is_some());
    assert_eq!(standing.last_error, None);
    assert_eq!(splunk.recorded().count(), 3, "each was sent once");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_indexers_lost_is_sent_again_after_its_time_with_the_same_event_ids() {
    for (settings, least) in [
        (", ack: true", Duration::from_mins(5)),
        (", ack: true, ack_within: 90s", Duration::from_secs(90)),
    ] {
        let (splunk, scene) = idle_with(Files::built_in(), options(), settings).await;
        start(&scene.live);
        splunk.recorded().lose(1);
        let alerts = many(&scene, 3);
        scene.owe_all("soc", &alerts).await;
        requests(&splunk, 1).await;
        acknowledged(&scene).await;
        assert_eq!(indexed(&splunk), ids(&alerts));
        assert!(waited(&scene) >= least, "{:?}", waited(&scene));
        assert_eq!(
            scene.standing("soc").await.last_error.as_deref(),
            Some("not acknowledged in time: sent again, perhaps twice")
        );
        scene.stop().await;
    }
}

#[tokio::test]
async fn it_is_asked_every_ten_seconds_and_waited_for_as_long_as_the_settings_say() {
    for (settings, again_after) in [
        (", ack: true", Duration::from_mins(5)),
        (", ack: true, ack_within: 90s", Duration::from_secs(90)),
    ] {
        let (_splunk, scene) = idle_with(Files::built_in(), options(), settings).await;
        let snapshot = scene.live.snapshot();
        let way = Way::to(&snapshot, "soc").unwrap();
        let times = way.acknowledges().unwrap().times(&way.connection.settings);
        assert_eq!(times, (ASK, again_after));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_id_stops_the_destination_and_says_why() {
    let without = Options::with_token(Token::new(TOKEN));
    let (splunk, scene) = idle_with(Files::built_in(), without, ", ack: true").await;
    start(&scene.live);
    scene.owe("soc", &scene.alert("income")).await;
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    let standing = scene.standing("soc").await;
    insta::assert_snapshot!(standing.stopped.unwrap(), @r#"it took events without an id to ask for their acknowledgment by: have it acknowledge, or switch acknowledgment off for `soc`: status 200: {"text":"Success","code":0}"#);
    assert_eq!((standing.waiting, standing.last_delivered), (1, None));
    let told = crate::delivery::test_event(&scene.live, "soc").await;
    insta::assert_snapshot!(told.unwrap_err(), @r#"`soc` did not take the event: taken without an id to ask for its acknowledgment by, status 200: {"text":"Success","code":0}"#);
    drop(splunk);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_what_waited_is_sent_again() {
    let (splunk, scene) = begin().await;
    splunk.recorded().hold_acks(true);
    let alerts = many(&scene, 2);
    scene.owe_all("soc", &alerts).await;
    within(splunk.recorded().reaches(2)).await;
    let scene = scene.restarted().await;
    splunk.recorded().hold_acks(false);
    acknowledged(&scene).await;
    assert_eq!(indexed(&splunk), [ids(&alerts), ids(&alerts)].concat());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_goes_on_waiting_for_what_was_sent() {
    let (splunk, scene) = begin().await;
    splunk.recorded().hold_acks(true);
    let alerts = many(&scene, 2);
    scene.owe_all("soc", &alerts).await;
    within(splunk.recorded().reaches(2)).await;
    let more = format!(
        "{}\n  second: {{ connector: file, path: out.ndjson }}",
        scene.connections
    );
    let made = snapshot(&scene.files, scene.folder.path(), &more, &scene.clock);
    scene.live.swap(made);
    // What follows an event that waits does not overtake it under the new configuration either.
    let over = revised(&alerts[0], State::Resolved);
    scene.owe_all("soc", &[over, scene.alert("later")]).await;
    within(splunk.recorded().reaches(3)).await;
    requests(&splunk, 2).await;
    assert_eq!(splunk.recorded().count(), 3);
    splunk.recorded().hold_acks(false);
    acknowledged(&scene).await;
    assert_eq!(splunk.recorded().count(), 4, "none was sent twice");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_waits_until_the_one_before_it_is_acknowledged() {
    for lost in [0, 1] {
        let (splunk, scene) = begin().await;
        splunk.recorded().hold_acks(true);
        splunk.recorded().lose(lost);
        let opened = scene.alert("income");
        scene.owe("soc", &opened).await;
        requests(&splunk, 1).await;
        let over = revised(&opened, State::Resolved);
        let other = scene.alert("age");
        scene.owe_all("soc", &[over, other.clone()]).await;
        requests(&splunk, 2).await;
        let sent = u64::try_from(2 - lost).unwrap();
        within(splunk.recorded().reaches(sent)).await;
        let mut wanted = ids(&[opened.clone(), other]);
        if lost > 0 {
            wanted.remove(0);
        }
        assert_eq!(indexed(&splunk), wanted, "the resolve is not among them");
        splunk.recorded().hold_acks(false);
        acknowledged(&scene).await;
        order::holds(&splunk, &[opened], 2);
        assert_eq!(splunk.recorded().count(), 3, "each once");
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_128_batches_wait_at_once() {
    let files = changed("splunk", &[("events: 500", "events: 1")]);
    let (splunk, scene) = idle_with(files, options(), ", ack: true").await;
    splunk.recorded().hold_acks(true);
    scene.owe_all("soc", &many(&scene, 200)).await;
    start(&scene.live);
    within(splunk.recorded().reaches(128)).await;
    splunk.recorded().hold_acks(false);
    acknowledged(&scene).await;
    assert_eq!(splunk.recorded().count(), 200);
    assert_eq!(splunk.recorded().most_pending(), 128);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_asked_is_alarmed_of_and_nothing_counts_as_delivered() {
    let (splunk, scene) = begin().await;
    splunk.faults().only("/services/collector/ack");
    let off = r#"{"text":"ACK is disabled","code":14}"#;
    splunk.faults().then(Fault::Status(400, off.to_owned()));
    scene.owe("soc", &scene.alert("income")).await;
    within(async {
        while scene.standing("soc").await.stopped.is_none() {
            scene.passes(ASK);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let standing = scene.standing("soc").await;
    assert_eq!((standing.waiting, standing.last_delivered), (1, None));
    insta::assert_snapshot!(standing.stopped.unwrap(), @r#"cannot ask for acknowledgments: status 400: {"text":"ACK is disabled","code":14}"#);
    // Mended: what waits is asked for by itself, with no new event to try.
    acknowledged(&scene).await;
    assert_eq!(splunk.recorded().count(), 1);
    assert_eq!(scene.standing("soc").await.stopped, None);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_counts_anew_is_sent_again_what_it_forgot() {
    let (splunk, scene) = begin().await;
    splunk.recorded().hold_acks(true);
    let (first, second) = (scene.alert("income"), scene.alert("age"));
    scene.owe("soc", &first).await;
    within(splunk.recorded().reaches(1)).await;
    // Its restart: the second batch is given the first one's id.
    splunk.recorded().forget_acks();
    scene.owe("soc", &second).await;
    within(splunk.recorded().reaches(3)).await;
    let first_again = ids(&[first.clone(), second, first]);
    assert_eq!(indexed(&splunk), first_again);
    splunk.recorded().hold_acks(false);
    acknowledged(&scene).await;
    assert_eq!(splunk.recorded().count(), 3);
    assert!(waited(&scene) < Duration::from_mins(5));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_nothing_is_asked() {
    let without = Options::with_token(Token::new(TOKEN));
    let (splunk, scene) = idle_with(Files::built_in(), without, "").await;
    start(&scene.live);
    scene.owe("soc", &scene.alert("income")).await;
    scene.empty("soc").await;
    scene.passes(Duration::from_mins(10));
    scene.owe("soc", &scene.alert("age")).await;
    scene.empty("soc").await;
    assert_eq!(splunk.faults().requests(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_collector_is_sent_what_the_one_before_did_not_acknowledge() {
    let (splunk, scene) = begin().await;
    splunk.recorded().hold_acks(true);
    let alerts = many(&scene, 2);
    scene.owe_all("soc", &alerts).await;
    within(splunk.recorded().reaches(2)).await;
    requests(&splunk, 1).await;
    let other = crate::sandbox::splunk::start(options()).await.unwrap();
    let moved = scene.connections.replace(splunk.url(), other.url());
    let made = snapshot(&scene.files, scene.folder.path(), &moved, &scene.clock);
    scene.live.swap(made);
    within(other.recorded().reaches(2)).await;
    assert_eq!(indexed(&other), ids(&alerts));
    acknowledged(&scene).await;
    assert!(waited(&scene) < Duration::from_mins(5));
    scene.stop().await;
}
