//! What each answer on record does to the events of its request, by the built-in manifests, through the
//! worker and at the strict receivers: the tables of statuses and codes.

use std::time::Duration;

use jiff::Timestamp;

use super::splunk::{begin, many};
use super::{Scene, azure, pagerduty, within};
use crate::sandbox::Fault;
use crate::sandbox::splunk::Code;

const PAGE: &str = "<!doctype html><html><body>a proxy</body></html>";

fn page(status: u16) -> Fault {
    Fault::Status(status, PAGE.to_owned())
}

fn empty(status: u16) -> Fault {
    Fault::Status(status, String::new())
}

/// How things stood before a row of a table.
struct Before {
    at: Timestamp,
    dead: usize,
    requests: u64,
}

impl Before {
    async fn of(scene: &Scene, requests: u64) -> Self {
        Self {
            at: scene.clock.now(),
            dead: scene.dead().await.len(),
            requests,
        }
    }
}

/// What became of `events` events, in words. `requests` counts those that carried events.
async fn became(
    scene: &Scene,
    name: &'static str,
    events: usize,
    before: &Before,
    requests: impl Fn() -> u64,
) -> String {
    within(async {
        while scene.waiting(name).await > 0 && scene.next_due(name).await.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let standing = scene.standing(name).await;
    if standing.waiting == 0 {
        let dead = scene.dead().await.len() - before.dead;
        return match (dead, requests() - before.requests) {
            (0, 1) => "delivered".to_owned(),
            (0, 2) => "delivered at the second try".to_owned(),
            (0, 3) => "halved".to_owned(),
            (dead, _) if dead == events => "refused".to_owned(),
            (dead, requests) => format!("{dead} dead after {requests} requests"),
        };
    }
    let until = standing.paused_until.unwrap();
    let wait = Duration::try_from(until.duration_since(before.at)).unwrap();
    let wait = if wait < Duration::from_secs(1) {
        assert!(wait >= Duration::from_millis(500), "{wait:?}");
        "within a second".to_owned()
    } else {
        format!("after {} s", wait.as_secs_f64())
    };
    match standing.stopped {
        Some(_) => format!("stopped, a probe {wait}"),
        None => format!("again {wait}"),
    }
}

/// Nothing goes wrong any more: what is not dead arrives.
async fn the_rest_arrives(scene: &Scene, name: &'static str) {
    let dead = scene.dead().await.len();
    within(async {
        while scene.waiting(name).await > 0 {
            scene.passes(Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(scene.dead().await.len(), dead);
    let standing = scene.standing(name).await;
    assert_eq!((standing.stopped, standing.paused_until), (None, None));
    // Whoever was asked to slow down has done so.
    scene.passes(Duration::from_mins(1));
}

/// What Splunk says: a code of HEC, or something that goes wrong on the way.
#[derive(Debug)]
enum Says {
    Code(Code),
    Other(Fault),
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_of_splunk_does_what_splunk_means() {
    use Code::*;
    use Says::{Code as Hec, Other};
    let stopped = "stopped, a probe after 60 s";
    let again = "again within a second";
    // One event alone, and several together.
    let table: Vec<(Says, &str, &str)> = vec![
        (Hec(Success), "delivered", "delivered"),
        (Hec(QueueNearCapacity), "delivered", "delivered"),
        (Hec(AckNearCapacity), "delivered", "delivered"),
        (Hec(TokenDisabled), stopped, stopped),
        (Hec(TokenIsRequired), stopped, stopped),
        (Hec(InvalidAuthorization), stopped, stopped),
        (Hec(InvalidToken), stopped, stopped),
        (Hec(NoData), "refused", "halved"),
        (Hec(InvalidDataFormat), "refused", "halved"),
        (Hec(IncorrectIndex), "refused", "halved"),
        (Hec(InternalServerError), again, again),
        (Hec(ServerIsBusy), again, again),
        (Hec(ChannelMissing), stopped, stopped),
        (Hec(InvalidChannel), stopped, stopped),
        (Hec(EventRequired), "refused", "halved"),
        (Hec(EventBlank), "refused", "halved"),
        (Hec(AckDisabled), stopped, stopped),
        (Hec(IndexedFields), "refused", "halved"),
        (Hec(QueryStringAuthorization), stopped, stopped),
        (Hec(Healthy), stopped, stopped),
        (Hec(UnhealthyQueues), again, again),
        (Hec(UnhealthyAck), again, again),
        (Hec(UnhealthyBoth), again, again),
        (Hec(ShuttingDown), again, again),
        (Hec(QueueAtCapacity), again, again),
        (Hec(AckAtCapacity), again, again),
        (Hec(ChannelMissingCloud), stopped, stopped),
        // 21 and 22 are said by the health check with a token.
        (
            Other(Fault::Status(
                400,
                r#"{"text":"Invalid token","code":21}"#.to_owned(),
            )),
            stopped,
            stopped,
        ),
        (
            Other(Fault::Status(
                400,
                r#"{"text":"Token disabled","code":22}"#.to_owned(),
            )),
            stopped,
            stopped,
        ),
        // Not HEC at all: a page, nothing, Splunk Web on another port.
        (Other(page(200)), stopped, stopped),
        (Other(empty(200)), stopped, stopped),
        (Other(page(303)), stopped, stopped),
        (Other(page(400)), "refused", "halved"),
        (Other(empty(400)), "refused", "halved"),
        (Other(page(401)), stopped, stopped),
        (Other(empty(403)), stopped, stopped),
        (Other(page(404)), stopped, stopped),
        (Other(page(405)), stopped, stopped),
        (Other(empty(408)), again, again),
        (Other(page(413)), "refused", "halved"),
        (Other(empty(413)), "refused", "halved"),
        (Other(page(415)), stopped, stopped),
        (Other(empty(429)), again, again),
        (
            Other(Fault::RetryAfter(429, 30)),
            "again after 30 s",
            "again after 30 s",
        ),
        (Other(page(500)), again, again),
        (Other(page(502)), again, again),
        (
            Other(Fault::RetryAfter(503, 7)),
            "again after 7 s",
            "again after 7 s",
        ),
        // Nobody knows what became of these: sent again, with the same event ids.
        (Other(Fault::CutBeforeRead), again, again),
        (Other(Fault::CutAfterRead), again, again),
        (Other(Fault::AcceptAndLoseAnswer), again, again),
    ];
    let (splunk, scene) = begin().await;
    let requests = || splunk.faults().requests();
    let mut differs = Vec::new();
    for (says, alone, together) in table {
        for (events, wanted) in [(1, alone), (4, together)] {
            let before = Before::of(&scene, requests()).await;
            match &says {
                Hec(code) => splunk.recorded().answer(1, *code),
                Other(fault) => splunk.faults().then(fault.clone()),
            }
            scene.owe_all("soc", &many(&scene, events)).await;
            let got = became(&scene, "soc", events, &before, requests).await;
            if got != wanted {
                differs.push(format!("{says:?} of {events}: {got}, not {wanted}"));
            }
            the_rest_arrives(&scene, "soc").await;
        }
    }
    scene.stop().await;
    assert!(differs.is_empty(), "{differs:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_of_sentinel_does_what_microsoft_means() {
    let stopped = "stopped, a probe after 60 s";
    let again = "again within a second";
    let table: Vec<(Vec<Fault>, &str, &str)> = vec![
        (vec![], "delivered", "delivered"),
        (vec![page(200)], stopped, stopped),
        (vec![empty(302)], stopped, stopped),
        (vec![empty(400)], "refused", "halved"),
        // A new token, once.
        (
            vec![empty(401)],
            "delivered at the second try",
            "delivered at the second try",
        ),
        (vec![empty(401), empty(401)], stopped, stopped),
        // A new role takes up to half an hour to be seen.
        (
            vec![empty(403)],
            "stopped, a probe after 600 s",
            "stopped, a probe after 600 s",
        ),
        (vec![page(404)], stopped, stopped),
        (vec![empty(408)], again, again),
        (vec![empty(413)], "refused", "halved"),
        (vec![empty(429)], again, again),
        (
            vec![Fault::RetryAfter(429, 2)],
            "again after 2 s",
            "again after 2 s",
        ),
        (vec![page(500)], again, again),
        (
            vec![Fault::RetryAfter(503, 45)],
            "again after 45 s",
            "again after 45 s",
        ),
        (vec![Fault::AcceptAndLoseAnswer], again, again),
    ];
    let (sentinel, scene) = azure::begin().await;
    sentinel.faults().only("/dataCollectionRules");
    let requests = || sentinel.faults().requests() - sentinel.recorded().tokens_issued();
    let mut differs = Vec::new();
    for (faults, alone, together) in table {
        for (events, wanted) in [(1, alone), (4, together)] {
            let before = Before::of(&scene, requests()).await;
            for fault in &faults {
                sentinel.faults().then(fault.clone());
            }
            scene.owe_all("logs", &many(&scene, events)).await;
            let got = became(&scene, "logs", events, &before, requests).await;
            if got != wanted {
                differs.push(format!("{faults:?} of {events}: {got}, not {wanted}"));
            }
            the_rest_arrives(&scene, "logs").await;
        }
    }
    scene.stop().await;
    assert!(differs.is_empty(), "{differs:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_of_pagerduty_does_what_pagerduty_means() {
    let stopped = "stopped, a probe after 60 s";
    let again = "again within a second";
    let table: Vec<(Option<Fault>, &str)> = vec![
        (None, "delivered"),
        (Some(page(200)), stopped),
        (Some(page(302)), stopped),
        (Some(empty(400)), "refused"),
        (Some(empty(401)), stopped),
        (Some(page(403)), stopped),
        (Some(page(404)), stopped),
        (Some(empty(408)), again),
        // Made smaller, although 512 KB are not reached.
        (Some(empty(413)), "delivered at the second try"),
        (Some(empty(429)), "again after 30 s"),
        (Some(Fault::RetryAfter(429, 90)), "again after 90 s"),
        (Some(page(500)), again),
        (Some(page(502)), again),
        (Some(Fault::AcceptAndLoseAnswer), again),
    ];
    let (pager, scene) = pagerduty::begin().await;
    let requests = || pager.faults().requests();
    let mut differs = Vec::new();
    for (fault, wanted) in table {
        let before = Before::of(&scene, requests()).await;
        if let Some(fault) = &fault {
            pager.faults().then(fault.clone());
        }
        scene.owe("oncall", &scene.alert("income")).await;
        let got = became(&scene, "oncall", 1, &before, requests).await;
        if got != wanted {
            differs.push(format!("{fault:?}: {got}, not {wanted}"));
        }
        the_rest_arrives(&scene, "oncall").await;
    }
    scene.stop().await;
    assert!(differs.is_empty(), "{differs:#?}");
}
