//! `kill -9` at random moments: what was answered 202 is kept and counted, what is owed is delivered,
//! no action is done twice or forgotten (issue's "Done means", promise 1, 2 and 4).
//!
//! `kill -9` cannot see a missing sync; `a_sync_stands_behind_each_answer` counts them.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use andon::sandbox::registry::{self, NewVersion, Registry};
use serde_json::{Value, json};
use support::{Andon, Outcome, Soc, WEBHOOK_SECRET, call, secret, until};

const SIGNALS: usize = 200;
const KEYS: usize = 20;
const EACH: u64 = 10;
const ACTIONS: usize = 20;
const KILLS: usize = 8;
/// A caller's token; the daemon's own is another at each start.
const TOKEN: &str = "andon_a-playbooks-token-that-outlives-restarts";

/// A fixed sequence that looks random, so that a failing run can be repeated.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn models(house: &Arc<Registry>) -> Outcome<()> {
    for model in 0..ACTIONS {
        let name = format!("model-{model}");
        house.create_model(&name, &[])?;
        for version in ["1", "2"] {
            house.create_version(
                &name,
                NewVersion {
                    source: format!("s3://m/{version}"),
                    run_id: Some("0".repeat(32)),
                    ..NewVersion::default()
                },
            )?;
        }
        house.set_alias(&name, "champion", 2)?;
    }
    Ok(())
}

/// Sends until it is answered 202, over whatever restarts lie between.
fn deliver(port: u16, body: &Value, stop: &AtomicBool) -> Outcome<String> {
    loop {
        if stop.load(Ordering::SeqCst) {
            return Err("stopped".into());
        }
        let sent = call(
            port,
            "POST",
            "/v1/signals/local",
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        );
        if let Ok((202, answer)) = sent {
            let answer: Value = serde_json::from_slice(&answer)?;
            return Ok(support::text(&answer["signals"][0]["id"]));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_and_no_action_is_done_twice() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let soc = Soc::start().await?;
    let platform = registry::start(registry::Options::default()).await?;
    let house = platform.recorded().clone();
    models(&house)?;
    secret(folder.path(), "webhook", WEBHOOK_SECRET)?;
    let config = format!(
        "connections:\n  local: {{ connector: generic }}\n  registry: {{ connector: mlflow, url: \"{}\", reach: loopback, webhook_secret: {{ file: secrets/webhook }} }}\n{}routes:\n  - to: [soc, oncall]\ncallers:\n  - {{ name: playbook, token: {{ hash: \"{}\" }}, may: [ \"admin\" ] }}\n",
        platform.url(),
        soc.connections(folder.path())?,
        andon::secret::hash(TOKEN),
    );
    let andon = Andon::start(folder.path(), &config)?;
    let port = andon.port;
    house.add_webhook(
        "andon",
        &format!("http://127.0.0.1:{port}/v1/signals/registry"),
        Some(WEBHOOK_SECRET),
    )?;
    let sets_before = house.deliveries().len();
    let stop = Arc::new(AtomicBool::new(false));
    let place = folder.path().to_path_buf();
    let mut running = Some(andon);
    let kept = {
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || -> Result<BTreeMap<String, String>, String> {
                    let mut ids = BTreeMap::new();
                    for n in (sender..SIGNALS).step_by(4) {
                        let body = json!({ "key": format!("k{}", n % KEYS), "title": "drift", "severity": "high", "model": format!("m{}", n % KEYS), "value": n });
                        let id = deliver(port, &body, &stop).map_err(|error| error.to_string())?;
                        ids.insert(format!("{n}"), id);
                        std::thread::sleep(Duration::from_millis(15));
                    }
                    Ok(ids)
                })
            })
            .collect();
        let asker = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || -> Result<BTreeMap<usize, String>, String> {
                let mut actions = BTreeMap::new();
                for n in 0..ACTIONS {
                    let body = json!({ "action": "mlflow/move-alias", "at": "registry", "with": { "model": format!("model-{n}"), "version": "1" }, "idempotency_key": format!("key-{n}") });
                    let id = loop {
                        if stop.load(Ordering::SeqCst) {
                            return Err("stopped".to_owned());
                        }
                        let bearer = format!("Bearer {TOKEN}");
                        let headers = [
                            ("authorization", bearer.as_str()),
                            ("content-type", "application/json"),
                        ];
                        if let Ok((200 | 202, answer)) = call(
                            port,
                            "POST",
                            "/v1/actions",
                            &headers,
                            body.to_string().as_bytes(),
                        ) {
                            let answer: Value = serde_json::from_slice(&answer)
                                .map_err(|error| error.to_string())?;
                            break support::text(&answer["action_id"]);
                        }
                        std::thread::sleep(Duration::from_millis(20));
                    };
                    actions.insert(n, id);
                    std::thread::sleep(Duration::from_millis(60));
                }
                Ok(actions)
            })
        };
        let mut chance = Chance(0x5eed);
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(60 + chance.next(400))).await;
            if let Some(andon) = running.take() {
                andon.kill()?;
            }
            running = Some(Andon::again(&place, port)?);
        }
        let mut ids = BTreeMap::new();
        for sender in senders {
            ids.extend(sender.join().map_err(|_| "a sender panicked")??);
        }
        let actions = asker.join().map_err(|_| "the asker panicked")??;
        (ids, actions)
    };
    let andon = running.ok_or("andon is gone")?;
    let (ids, actions) = kept;
    assert_eq!(ids.len(), SIGNALS);
    assert_eq!(
        ids.values().collect::<BTreeSet<_>>().len(),
        SIGNALS,
        "each signal has its own id"
    );

    for id in ids.values() {
        let (status, _) = andon.api("GET", &format!("/v1/signals/{id}"), None)?;
        assert_eq!(status, 200, "signal {id} was answered 202 and is not kept");
    }
    let counted = until(
        "every signal counted in its alert",
        Duration::from_secs(20),
        || {
            let (_, alerts) =
                andon.api("GET", "/v1/alerts?mapping=generic-event&limit=200", None)?;
            let counts: BTreeMap<String, u64> = alerts["alerts"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|alert| {
                    (
                        support::text(&alert["model"]["name"]),
                        alert["count"].as_u64().unwrap_or(0),
                    )
                })
                .collect();
            let whole = counts.len() == KEYS && counts.values().all(|count| *count == EACH);
            Ok(Some(counts).filter(|_| whole))
        },
    );
    if let Err(error) = counted {
        let (_, alerts) = andon.api("GET", "/v1/alerts?mapping=generic-event&limit=200", None)?;
        return Err(format!("{error}: {alerts}").into());
    }

    until("every action ended", Duration::from_secs(60), || {
        for id in actions.values() {
            let (_, action) = andon.api("GET", &format!("/v1/actions/{id}"), None)?;
            if action["state"] != "succeeded" {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })?;
    for n in 0..ACTIONS {
        assert_eq!(
            house.alias(&format!("model-{n}"), "champion"),
            Some(1),
            "model-{n} was forgotten"
        );
    }
    until("webhooks of the moves", Duration::from_secs(30), || {
        Ok((house.deliveries().len() >= sets_before + ACTIONS).then_some(()))
    })?;
    assert_eq!(
        house
            .deliveries()
            .iter()
            .map(|delivery| &delivery.id)
            .collect::<BTreeSet<_>>()
            .len(),
        sets_before + ACTIONS,
        "an action was done twice"
    );

    until(
        "all owed revisions delivered",
        Duration::from_secs(30),
        || {
            let (_, alerts) = andon.api("GET", "/v1/alerts?limit=200", None)?;
            let owed: BTreeSet<String> = alerts["alerts"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|alert| {
                    (1..=alert["revision"].as_u64().unwrap_or(0))
                        .map(|revision| format!("{}-{revision}", support::text(&alert["id"])))
                })
                .collect();
            let there: BTreeSet<String> = soc
                .splunk
                .recorded()
                .events()
                .iter()
                .map(|event| support::text(&event.event["metadata"]["uid"]))
                .collect();
            Ok(owed.is_subset(&there).then_some(()))
        },
    )?;
    Ok(())
}

#[test]
fn a_sync_stands_behind_each_answer() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let counter = folder.path().join("count_syncs.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/count_syncs.c");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let made = std::process::Command::new(compiler)
        .args(["-shared", "-fPIC", "-o"])
        .arg(&counter)
        .args([source, "-ldl"])
        .status()?;
    assert!(made.success(), "the counter cannot be compiled");
    let log = folder.path().join("syncs");
    let config = "connections:\n  local: { connector: generic }\n  out: { connector: file }\nroutes:\n  - to: [out]\n";
    let andon = Andon::start_with(
        folder.path(),
        config,
        &[("LD_PRELOAD", &counter), ("SYNC_LOG", &log)],
    )?;
    let syncs = || std::fs::metadata(&log).map_or(0, |log| log.len());
    assert!(
        syncs() > 0,
        "the counter counts nothing, so it would prove nothing"
    );
    for n in 0..50 {
        let before = syncs();
        let body = json!({ "key": format!("k{n}"), "title": "drift", "model": "m" }).to_string();
        let headers = [("content-type", "application/json")];
        let (status, _) = andon.call("POST", "/v1/signals/local", &headers, body.as_bytes())?;
        assert_eq!(status, 202);
        assert!(syncs() > before, "signal {n} was answered before a sync");
    }
    Ok(())
}
