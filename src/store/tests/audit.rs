//! The audit's chain, tokens and flags.

use serde_json::json;

use super::super::Verified;
use super::scratch;

#[tokio::test]
async fn the_chain_goes_on_over_a_restart_and_verifies() {
    let it = scratch();
    for number in 0..3 {
        it.store
            .write(move |tx| tx.audit("soar", "action.requested", &json!({ "n": number })))
            .await
            .unwrap();
    }
    let it = it.reopened().await;
    let seq = it
        .store
        .write(|tx| tx.audit("andon", "start", &json!({})))
        .await;
    assert_eq!(seq.unwrap(), 4);
    let verified = it.store.read(|reader| reader.verify_audit()).await.unwrap();
    assert!(matches!(verified, Verified::Whole { rows: 4, .. }));
    let rows = it
        .store
        .read(|reader| reader.audit_rows(1, 2))
        .await
        .unwrap();
    assert_eq!((rows[0].seq, rows[1].seq), (2, 3));
    assert_eq!(rows[0].about, json!({ "n": 1 }));
}

#[tokio::test]
async fn a_changed_or_missing_row_breaks_the_chain() {
    for (tampering, broken) in [
        ("UPDATE audit SET who = 'x' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 2", 3),
        (
            "UPDATE audit SET who = 'so', what = 'ar' || what WHERE seq = 3",
            3,
        ),
    ] {
        let it = scratch();
        it.store
            .write(move |tx| {
                for _ in 0..4 {
                    tx.audit("soar", "what", &json!({}))?;
                }
                tx.put("tamper", tampering, [])
            })
            .await
            .unwrap();
        let verified = it.store.read(|reader| reader.verify_audit()).await;
        assert_eq!(
            verified.unwrap(),
            Verified::Broken { seq: broken },
            "{tampering}"
        );
    }
}

#[tokio::test]
async fn tokens_are_revoked_and_flags_raised_once() {
    let it = scratch();
    let raised = it
        .store
        .write(|tx| {
            tx.revoke("sha256:1", "admin")?;
            tx.revoke("sha256:1", "admin")?;
            let first = tx.raise_flag("freeze", "ana", "test")?;
            Ok((first, tx.raise_flag("freeze", "bob", "again")?))
        })
        .await
        .unwrap();
    assert_eq!(raised, (true, false));
    let it = it.reopened().await;
    let revoked = it.store.read(|reader| reader.revoked()).await.unwrap();
    assert_eq!(revoked, ["sha256:1"]);
    let flag = it
        .store
        .read(|reader| reader.flag("freeze"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (flag.who.as_str(), flag.why.as_str(), flag.at),
        ("ana", "test", it.clock.now())
    );
    assert!(it.store.write(|tx| tx.lower_flag("freeze")).await.unwrap());
    assert!(!it.store.write(|tx| tx.lower_flag("freeze")).await.unwrap());
}
