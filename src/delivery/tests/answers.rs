//! What each answer on record means: the table of statuses and codes, by the built-in manifests.

use super::{Scene, soc_alone};
use crate::connector::Verdict::{self, Delivered, Pause, Refuse, Renew, Retry, Split, Stop};
use crate::delivery::Way;
use crate::delivery::answer::{Meaning, meaning};
use crate::web::Answer;

fn verdict(
    scene: &Scene,
    name: &str,
    status: u16,
    body: &str,
    events: usize,
) -> (Verdict, Option<usize>, bool) {
    let snapshot = scene.live.snapshot();
    let way = Way::to(&snapshot, name).unwrap();
    let answer = Answer::made(status, Vec::new(), body.as_bytes().to_vec());
    match meaning(&way, &answer, events) {
        Meaning::All {
            verdict,
            bad,
            slow_down,
            ..
        } => (verdict, bad, slow_down),
        Meaning::Each(_) => panic!("these answer as a whole"),
    }
}

#[tokio::test]
async fn splunk_answers_mean_what_splunk_says() {
    let scene = soc_alone();
    let table: &[(u16, u8, Verdict)] = &[
        (200, 0, Delivered),
        (403, 1, Stop),
        (401, 2, Stop),
        (401, 3, Stop),
        (403, 4, Stop),
        (400, 5, Refuse),
        (400, 6, Split),
        (400, 7, Split),
        (500, 8, Retry),
        (503, 9, Retry),
        (400, 10, Stop),
        (400, 11, Stop),
        (400, 12, Split),
        (400, 13, Split),
        (400, 14, Stop),
        (400, 15, Split),
        (400, 16, Stop),
        (503, 18, Retry),
        (503, 19, Retry),
        (503, 20, Retry),
        (503, 23, Retry),
        (200, 24, Delivered),
        (200, 25, Delivered),
        (429, 26, Retry),
        (429, 27, Retry),
        (400, 28, Stop),
    ];
    for (status, code, wanted) in table {
        let body = format!(r#"{{"text":"t","code":{code},"invalid-event-number":2}}"#);
        let (got, bad, slow) = verdict(&scene, "soc", *status, &body, 5);
        assert_eq!(got, *wanted, "{status} {code}");
        let named = (*wanted == Split).then_some(if *code == 7 { 1 } else { 2 });
        assert_eq!(bad, named, "{status} {code}");
        assert_eq!(slow, matches!(code, 24 | 25), "{status} {code}");
    }
    let cloud = r#"{"text":"Invalid data format","code":6,"invalid-event-number":0}"#;
    assert_eq!(verdict(&scene, "soc", 400, cloud, 5), (Split, None, false));
    assert_eq!(
        verdict(&scene, "soc", 400, cloud, 1),
        (Split, Some(0), false)
    );
    for (status, wanted) in [
        (200, Stop),
        (404, Stop),
        (408, Retry),
        (413, Split),
        (415, Refuse),
        (502, Retry),
    ] {
        let got = verdict(&scene, "soc", status, "<html>proxy</html>", 5).0;
        assert_eq!(got, wanted, "a page with {status}");
    }
}

#[tokio::test]
async fn sentinel_and_pagerduty_answers_mean_what_the_vendors_say() {
    let scene = soc_alone();
    for (status, wanted) in [
        (204, Delivered),
        (400, Refuse),
        (401, Renew),
        (403, Pause),
        (404, Stop),
        (408, Retry),
        (413, Split),
        (429, Retry),
        (500, Retry),
        (503, Retry),
    ] {
        assert_eq!(
            verdict(&scene, "logs", status, "", 5).0,
            wanted,
            "sentinel {status}"
        );
    }
    for (status, wanted) in [
        (202, Delivered),
        (400, Refuse),
        (403, Stop),
        (404, Stop),
        (408, Retry),
        (429, Retry),
        (500, Retry),
    ] {
        assert_eq!(
            verdict(&scene, "oncall", status, "", 1).0,
            wanted,
            "pagerduty {status}"
        );
    }
}
