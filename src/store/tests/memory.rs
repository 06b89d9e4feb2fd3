//! Whatever fails, what the writer keeps in memory is what a start would read from the disk.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::super::memory::Memory;
use super::super::{Error, Sighting, Times, Tx};
use super::{alert, keep, open_and_owe, revised, scratch};
use crate::alert::State;

#[derive(Debug, Clone)]
enum Deed {
    Keep(u8),
    Open(u8),
    Count(u8),
    Close(u8),
    Audit,
    Fail,
}

fn deeds() -> impl Strategy<Value = Vec<Vec<Deed>>> {
    let deed = prop_oneof![
        3 => (0_u8..6).prop_map(Deed::Keep),
        3 => (0_u8..4).prop_map(Deed::Open),
        3 => (0_u8..4).prop_map(Deed::Count),
        2 => (0_u8..4).prop_map(Deed::Close),
        1 => Just(Deed::Audit),
        1 => Just(Deed::Fail),
    ];
    proptest::collection::vec(proptest::collection::vec(deed, 1..5), 1..12)
}

fn run(tx: &mut Tx<'_>, deeds: &[Deed]) -> Result<(), Error> {
    for deed in deeds {
        match deed {
            Deed::Keep(number) => drop(keep(tx, &format!("vendor-{number}"))?),
            Deed::Open(number) => {
                let key = format!("key-{number}");
                if tx.open_alert(&key)?.is_none() {
                    open_and_owe(tx, &key, &format!("destination-{number}"))?;
                }
            }
            Deed::Count(number) => {
                if let Some(open) = tx.open_alert(&format!("key-{number}"))? {
                    assert!(tx.count(open.id, sighting(tx, *number))?);
                }
            }
            Deed::Close(number) => {
                if let Some(open) = tx.open_alert(&format!("key-{number}"))? {
                    tx.put_alert(revised(&open, State::Resolved), Times::default())?;
                }
            }
            Deed::Audit => drop(tx.audit("andon", "test", &json!({}))?),
            Deed::Fail => return Err(Error::Busy),
        }
    }
    Ok(())
}

fn sighting(tx: &Tx<'_>, number: u8) -> Sighting {
    Sighting {
        signal: tx.next_id(),
        at: tx.now(),
        seen: tx.now(),
        quiet_at: None,
        measured: (number > 1).then(|| json!({ "value": number }).as_object().unwrap().clone()),
        evidence: None,
    }
}

/// Compares memory with what a start would read.
fn agrees(tx: &mut Tx<'_>) -> Result<(), Error> {
    let fresh = Memory::load(tx.connection(), tx.now(), 1_000_000, 16)?;
    assert_eq!(fresh.repeats, tx.memory.repeats);
    assert_eq!(fresh.open, tx.memory.open);
    assert_eq!(fresh.destinations, tx.memory.destinations);
    assert_eq!(fresh.chain, tx.memory.chain);
    let mut counted = BTreeMap::new();
    for number in 0..4 {
        if let Some(open) = tx.open_alert(&format!("key-{number}"))? {
            counted.insert(open.id, open);
        }
    }
    for (id, open) in counted {
        assert_eq!(super::super::Reader::alert(tx, id)?.as_ref(), Some(&*open));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn memory_follows_the_disk(jobs in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let it = scratch();
            for deeds in jobs {
                let fails = deeds.iter().any(|deed| matches!(deed, Deed::Fail));
                let done = it.store.write(move |tx| run(tx, &deeds)).await;
                assert_eq!(done.is_err(), fails);
                it.store.write(agrees).await.unwrap();
            }
        });
    }
}

#[tokio::test]
async fn alerts_that_were_counted_survive_when_memory_holds_few() {
    let it = super::scratch_with(super::Options {
        most_warm_alerts: 4,
        ..super::options()
    });
    it.store
        .write(|tx| {
            for number in 0..20 {
                let alert = alert(tx, &format!("key-{number}"));
                tx.put_alert(alert.clone(), Times::default())?;
            }
            Ok(())
        })
        .await
        .unwrap();
    for _ in 0..3 {
        it.store
            .write(|tx| {
                for number in 0..20 {
                    let open = tx.open_alert(&format!("key-{number}"))?.unwrap();
                    tx.count(open.id, sighting(tx, 0))?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }
    let all = it
        .store
        .read(|reader| reader.alerts(&super::super::AlertFilter::default(), 100))
        .await
        .unwrap();
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|alert| alert.count == 4));
}
