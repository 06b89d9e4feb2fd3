//! What people say where an alert was sent to.

use super::*;
use crate::untrusted::Untrusted;

impl Desk {
    /// A signal of PagerDuty's, through a connection of its.
    async fn told_by(&self, connection: &str, signal: &str, data: Value) -> usize {
        let now = self.clock.now();
        let mut said = self.signal("x", 0.0, None);
        said.connection = connection.to_owned();
        said.name = SignalName {
            connector: "pagerduty".to_owned(),
            signal: signal.to_owned(),
        };
        said.vendor_id = format!("{data} {now}");
        said.data = Untrusted::new(data.into());
        self.settle(said).await.len()
    }

    /// What a person did to the incident `Q1` of an alert.
    async fn incident(&self, connection: &str, kind: &str, alert: &Alert) -> usize {
        let data = json!({ "type": format!("incident.{kind}"), "incident": "Q1", "dedup_key": alert.id,
            "by": "Jane\u{202e} Doe", "by_person": true, "merged": false });
        self.told_by(connection, "incident", data).await
    }

    async fn note(&self, connection: &str, incident: &str) -> usize {
        let data = json!({ "incident": incident, "by": "Jane Doe", "by_person": true, "false_positive": true });
        self.told_by(connection, "note", data).await
    }
}

fn how(alert: &Alert) -> Option<ClosedHow> {
    alert.closed.as_ref().map(|closed| closed.how)
}

#[tokio::test]
async fn what_a_person_does_is_said_and_what_is_said_again_changes_nothing() {
    let desk = Desk::set();
    let alert = desk.say("a", 101.0).await;
    assert_eq!(desk.incident("oncall", "acknowledged", &alert).await, 1);
    let taken = desk.alert(alert.id).await;
    let by = taken.acknowledged.as_ref().map(|said| said.by.as_str());
    assert_eq!(by, Some("Jane\\u{202e} Doe (oncall)"));
    assert_eq!(desk.incident("oncall", "acknowledged", &alert).await, 0);
    assert_eq!(desk.alert(alert.id).await.revision, taken.revision);
    assert_eq!(desk.incident("oncall", "resolved", &alert).await, 1);
    assert_eq!(how(&desk.alert(alert.id).await), Some(ClosedHow::Resolved));
    assert_eq!(desk.incident("oncall", "acknowledged", &alert).await, 0);
}

#[tokio::test]
async fn what_is_not_a_persons_word_on_an_alert_that_was_sent_there_says_nothing() {
    let desk = Desk::set();
    let paged = desk.say("a", 101.0).await;
    let logged = desk.say("b", 11.0).await;
    assert!(!logged.told.contains(&"oncall".to_owned()));
    let says = |kind: &str, alert: &str| {
        json!({ "type": format!("incident.{kind}"), "incident": "Q1", "dedup_key": alert,
            "by_person": true, "merged": false })
    };
    let with = |key: &str, value: Value| {
        let mut data = says("resolved", &paged.id.to_string());
        data[key] = value;
        data
    };
    for (connection, data) in [
        ("oncall", says("triggered", &paged.id.to_string())),
        ("oncall", says("reopened", &paged.id.to_string())),
        ("oncall", with("by_person", json!(false))),
        ("oncall", with("merged", json!(true))),
        ("oncall", says("resolved", &logged.id.to_string())),
        ("oncall", says("resolved", "a key of somebody else's")),
        ("oncall", says("resolved", "alt_0000000000000")),
        ("here", says("resolved", &paged.id.to_string())),
    ] {
        let said = data.to_string();
        assert_eq!(
            desk.told_by(connection, "incident", data).await,
            0,
            "{said}"
        );
    }
    for alert in desk.all().await {
        assert_eq!((alert.state, alert.revision), (State::Open, 1));
    }
}

#[tokio::test]
async fn a_note_finds_its_alert_by_the_name_that_another_event_gave() {
    let desk = Desk::set();
    let alert = desk.say("a", 101.0).await;
    assert_eq!(
        desk.note("oncall", "Q1").await,
        0,
        "nobody said which alert Q1 is"
    );
    desk.incident("oncall", "triggered", &alert).await;
    assert_eq!(desk.note("oncall", "Q2").await, 0);
    assert_eq!(
        desk.note("here", "Q1").await,
        0,
        "a name is one connection's own"
    );
    assert_eq!(desk.note("oncall", "Q1").await, 1);
    let judged = desk.alert(alert.id).await;
    assert_eq!(how(&judged), Some(ClosedHow::FalsePositive));
    assert_eq!(
        desk.owed("oncall").await,
        ["open/critical", "resolved/critical"]
    );
}

#[tokio::test]
async fn what_is_over_can_still_be_called_a_false_positive_and_no_pager_hears_of_it() {
    let desk = Desk::set();
    let alert = desk.say("a", 101.0).await;
    desk.incident("oncall", "triggered", &alert).await;
    desk.say("a", 1.0).await;
    let before = (desk.owed("log").await.len(), desk.owed("oncall").await);
    assert_eq!(how(&desk.alert(alert.id).await), Some(ClosedHow::Recovered));
    assert_eq!(desk.note("oncall", "Q1").await, 1);
    let judged = desk.alert(alert.id).await;
    assert_eq!(
        (how(&judged), judged.state),
        (Some(ClosedHow::FalsePositive), State::Resolved)
    );
    assert_eq!(desk.owed("log").await.len(), before.0 + 1);
    assert_eq!(desk.owed("oncall").await, before.1);
    assert_eq!(desk.note("oncall", "Q1").await, 0);
    // What comes after it is a new one.
    assert_ne!(desk.say("a", 101.0).await.id, alert.id);
}

#[tokio::test]
async fn who_never_heard_of_an_alert_does_not_hear_that_it_was_none() {
    let mut desk = Desk::set();
    let alert = desk.say("a", 11.0).await;
    desk.say("a", 1.0).await;
    // The route to the pager takes it now.
    desk.catalog = Desk::files(&CONFIG.replace("severity >= high", "severity >= low"));
    let catalog = Arc::clone(&desk.catalog);
    let word = Word::Resolved {
        text: String::new(),
        how: ClosedHow::FalsePositive,
    };
    let heard = desk
        .store
        .write(move |tx| hear(tx, &catalog, alert.id, "analyst", word));
    assert!(matches!(heard.await, Ok(Heard::Revised(_))));
    assert_eq!(desk.owed("oncall").await, Vec::<String>::new());
    assert_eq!(desk.owed("log").await.len(), 3);
}
