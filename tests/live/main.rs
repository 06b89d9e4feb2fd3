//! Live tests: real model platforms on loopback, and a real editor, installed under `target/live/`.
//!
//! Ignored in a plain `cargo test`, because they install hundreds of megabytes; `cargo xtask live`
//! runs them, and `cargo xtask ci` with it. A test belongs into the module named after its
//! platform: `xtask` chooses by these names.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod environment;
mod mlserver;
#[path = "../support/mod.rs"]
mod support;

use environment::{Outcome, Server};

mod mlflow {
    use std::path::PathBuf;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::support::{self, Andon, Soc, WEBHOOK_SECRET};
    use super::{Outcome, Server, environment};

    /// The registry that the other tests rely on: MLflow's own client writes, and reads it back.
    #[test]
    #[ignore = "installs MLflow: cargo xtask live"]
    fn a_real_registry_starts_and_moves_an_alias() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let server = Server::mlflow(folder.path())?;
        let python = environment::python("mlflow")?;
        let url = server.url();
        let client = |arguments: &[&str]| {
            let all: Vec<&str> = ["--server", &url]
                .into_iter()
                .chain(arguments.iter().copied())
                .collect();
            environment::run(&python, "mlflow/client.py", &all)
        };
        client(&["register", "fraud-scorer", "s3://models/fraud/1"])?;
        client(&["move-alias", "fraud-scorer", "champion", "1"])?;
        let read = client(&["get-alias", "fraud-scorer", "champion"])?;
        assert_eq!(
            read.trim(),
            r#"{"model": "fraud-scorer", "alias": "champion", "version": "1"}"#
        );
        Ok(())
    }

    /// A registry, a SOC and the real binary between them.
    struct Floor {
        server: Server,
        soc: Soc,
        andon: Andon,
        python: PathBuf,
        folder: tempfile::TempDir,
    }

    impl Floor {
        async fn lay() -> Outcome<Self> {
            let folder = tempfile::tempdir()?;
            let server = Server::mlflow(&folder.path().join("mlflow"))?;
            let python = environment::python("mlflow")?;
            let soc = Soc::start().await?;
            support::secret(folder.path(), "webhook", WEBHOOK_SECRET)?;
            let config = format!(
                "connections:\n  registry: {{ connector: mlflow, url: \"{}\", reach: loopback, webhook_secret: {{ file: secrets/webhook }} }}\n{}routes:\n  - to: [soc, sentinel]\n  - when: alert.severity >= medium\n    to: [oncall]\n",
                server.url(),
                soc.connections(folder.path())?,
            );
            let andon = Andon::start(folder.path(), &config)?;
            let floor = Self {
                server,
                soc,
                andon,
                python,
                folder,
            };
            let hook = format!("http://127.0.0.1:{}/v1/signals/registry", floor.andon.port);
            floor.client(&[
                "create-webhook",
                "andon",
                &hook,
                "--secret",
                WEBHOOK_SECRET,
                "model_version_alias.created",
                "model_version_alias.deleted",
                "model_version_tag.set",
                "model_version.created",
            ])?;
            floor.client(&[
                "register",
                "fraud",
                "s3://models/fraud/1",
                "--tag",
                "eval=passed",
                "--with-run",
            ])?;
            floor.client(&["register", "fraud", "s3://models/fraud/2", "--with-run"])?;
            floor.client(&["register", "fraud", "s3://models/fraud/3", "--with-run"])?;
            floor.client(&["move-alias", "fraud", "champion", "1"])?;
            Ok(floor)
        }

        fn client(&self, arguments: &[&str]) -> Outcome<Value> {
            let url = self.server.url();
            let all: Vec<&str> = ["--server", &url]
                .into_iter()
                .chain(arguments.iter().copied())
                .collect();
            Ok(serde_json::from_str(
                environment::run(&self.python, "mlflow/client.py", &all)?.trim(),
            )?)
        }

        fn champion(&self) -> Outcome<String> {
            Ok(support::text(
                &self.client(&["get-alias", "fraud", "champion"])?["version"],
            ))
        }

        /// Moves the alias to version 2 and waits for the alert at the three receivers.
        fn promotion(&self) -> Outcome<String> {
            self.client(&["move-alias", "fraud", "champion", "2"])?;
            support::until(
                "the alert at the three receivers",
                Duration::from_secs(60),
                || {
                    let about = |kind: &Value| kind == "unreviewed-promotion";
                    let splunk = self
                        .soc
                        .splunk
                        .recorded()
                        .events()
                        .into_iter()
                        .find(|event| {
                            about(&event.event["finding_info"]["analytic"]["category"])
                                && event.event["resources"][0]["version"] == "2"
                        });
                    let sentinel = self
                        .soc
                        .azure
                        .recorded()
                        .rows()
                        .into_iter()
                        .any(|row| row.columns.get("Kind").is_some_and(about));
                    let Some(event) = splunk.filter(|_| sentinel) else {
                        return Ok(None);
                    };
                    let id = support::text(&event.event["finding_info"]["uid"]);
                    let paged = self.soc.pager.recorded().incident(&id).is_some();
                    Ok(paged.then_some(id))
                },
            )
            .map_err(|error| format!("{error}\n{}", self.andon.last_lines()).into())
        }

        /// Asks for the roll-back to version 1 for `ttl` seconds.
        fn roll_back(&self, alert: &str, ttl: u64) -> Outcome<Value> {
            let (status, action) = self.andon.api("POST", "/v1/actions", Some(&json!({
                "action": "mlflow/move-alias", "at": "registry", "alert": alert, "reason": "not evaluated",
                "with": { "model": "fraud", "alias": "champion", "version": "1" }, "ttl_seconds": ttl, "wait_seconds": 30,
            })))?;
            assert_eq!(status, 200, "{action}");
            assert_eq!(action["state"], "succeeded", "{action}");
            assert_eq!(action["effect"], "state_held", "{action}");
            Ok(action)
        }

        fn ended(&self, action: &Value, within: u64) -> Outcome<Value> {
            let path = format!("/v1/actions/{}", support::text(&action["action_id"]));
            support::until(
                "the time limit and the undo",
                Duration::from_secs(within),
                || {
                    let (_, action) = self.andon.api("GET", &path, None)?;
                    let state = support::text(&action["state"]);
                    Ok(["reverted", "revert_conflict", "revert_failed"]
                        .contains(&state.as_str())
                        .then_some(action))
                },
            )
        }
    }

    /// "Done means" 2: from a real change to three receivers, a proven roll-back, and the way forward again.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "installs MLflow: cargo xtask live"]
    async fn a_promotion_is_told_rolled_back_and_undone_when_its_time_is_up() -> Outcome<()> {
        let floor = Floor::lay().await?;
        let alert = floor.promotion()?;
        let schema: Value = serde_json::from_str(include_str!(
            "../data/ocsf/2004-detection_finding.schema.json"
        ))?;
        let validator = jsonschema::validator_for(&schema)?;
        for event in floor.soc.splunk.recorded().events() {
            let faults: Vec<String> = validator
                .iter_errors(&event.event)
                .map(|error| format!("{} at {}", error, error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "not OCSF 1.8.0: {faults:?}");
        }
        let pages = floor.soc.pager.recorded().incidents().len();
        let action = floor.roll_back(&alert, 12)?;
        assert_eq!(
            floor.champion()?,
            "1",
            "MLflow's own client does not see the roll-back"
        );
        let ended = floor.ended(&action, 60)?;
        assert_eq!(ended["state"], "reverted", "{ended}");
        assert_eq!(floor.champion()?, "2", "the alias is not forward again");
        assert_eq!(
            floor.soc.pager.recorded().incidents().len(),
            pages,
            "Andon's own move raised a page"
        );
        let (_, told) = floor
            .andon
            .api("GET", &format!("/v1/alerts/{alert}"), None)?;
        assert!(
            told.to_string()
                .contains(&support::text(&action["action_id"]))
                || told["notes"]
                    .as_array()
                    .is_some_and(|notes| !notes.is_empty()),
            "the alert does not tell of its containment: {told}"
        );
        drop(floor.folder);
        Ok(())
    }

    /// `andon check --live` at a real server: its webhook is found, and its polls are read.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "installs MLflow: cargo xtask live"]
    async fn a_real_registry_is_asked_for_its_webhook_and_its_polls() -> Outcome<()> {
        let floor = Floor::lay().await?;
        let check = || -> Outcome<Value> {
            let out = std::process::Command::new(env!("CARGO_BIN_EXE_andon"))
                .args(["check", "--live", "--format", "json"])
                .current_dir(floor.folder.path())
                .output()?;
            Ok(serde_json::from_slice(&out.stdout)?)
        };
        let told = check()?;
        assert_eq!(told["faults"], json!([]), "{told}");
        let registry = &told["connections"][0];
        assert_eq!(registry["name"], "registry");
        let said = |about: &str| -> String {
            let mut asked = registry["asked"].as_array().into_iter().flatten();
            let one = asked.find(|one| one["about"] == about);
            one.map_or_else(String::new, |one| {
                format!("{}: {}", one["outcome"], one["said"])
            })
        };
        assert_eq!(
            said("the webhook"),
            "\"fine\": \"it leads here; it does not tell of: REGISTERED_MODEL.CREATED, MODEL_VERSION_TAG.DELETED\""
        );
        assert_eq!(
            said("polling `version`"),
            "\"fine\": \"3 signals, all as they have to be\""
        );
        let config = floor.folder.path().join("andon.yaml");
        let elsewhere = std::fs::read_to_string(&config)?.replace(
            "public_url: http://127.0.0.1",
            "public_url: http://andon.example.com",
        );
        std::fs::write(&config, elsewhere)?;
        let told = check()?;
        assert_eq!(
            told["connections"][0]["asked"][1]["outcome"], "not_asked",
            "{told}"
        );
        Ok(())
    }

    /// The same, where somebody moved the alias in between: nothing is overwritten.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "installs MLflow: cargo xtask live"]
    async fn a_later_change_of_a_person_is_never_overwritten() -> Outcome<()> {
        let floor = Floor::lay().await?;
        let alert = floor.promotion()?;
        let action = floor.roll_back(&alert, 15)?;
        floor.client(&["move-alias", "fraud", "champion", "3"])?;
        let ended = floor.ended(&action, 60)?;
        assert_eq!(ended["state"], "revert_conflict", "{ended}");
        assert_eq!(floor.champion()?, "3");
        Ok(())
    }
}

mod inspect {
    use std::time::Duration;

    use super::support::{self, Andon, Soc};
    use super::{Outcome, environment};

    /// A failing safety evaluation, written by Inspect itself, is an alert at Splunk; so is one that errored.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "installs Inspect: cargo xtask live"]
    async fn a_failing_safety_evaluation_is_an_alert() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs)?;
        let soc = Soc::start().await?;
        let config = format!(
            "connections:\n  evals: {{ connector: inspect, folder: logs }}\n{}routes:\n  - to: [soc]\n",
            soc.connections(folder.path())?
        );
        let andon = Andon::start(folder.path(), &config)?;
        let python = environment::python("inspect")?;
        let place = logs.to_string_lossy().into_owned();
        environment::run(&python, "inspect/safety_task.py", &[&place])?;
        environment::run(&python, "inspect/safety_task.py", &[&place, "--broken"])?;
        for kind in ["eval-regression", "pipeline-failure"] {
            support::until(kind, Duration::from_secs(60), || {
                let there = soc
                    .splunk
                    .recorded()
                    .events()
                    .iter()
                    .any(|event| event.event["finding_info"]["analytic"]["category"] == kind);
                Ok(there.then_some(()))
            })
            .map_err(|error| format!("{error}\n{}", andon.last_lines()))?;
        }
        Ok(())
    }

    #[test]
    #[ignore = "installs Inspect: cargo xtask live"]
    fn a_real_evaluation_writes_both_kinds_of_log() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let python = environment::python("inspect")?;
        let place = folder.path().to_string_lossy();
        environment::run(&python, "inspect/safety_task.py", &[place.as_ref()])?;
        let mut kinds: Vec<String> = std::fs::read_dir(folder.path())?
            .flatten()
            .filter_map(|entry| Some(entry.path().extension()?.to_string_lossy().into_owned()))
            .collect();
        kinds.sort();
        assert_eq!(kinds, ["eval", "json"]);
        Ok(())
    }
}

mod evidently {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use serde_json::Value;

    use super::support::{self, Andon, Soc};
    use super::{Outcome, environment};

    /// Runs Evidently on one batch; it writes `reports/loans/NUMBER.json`.
    fn report(
        python: &Path,
        reports: &Path,
        number: &str,
        drifted: &[&str],
    ) -> Outcome<(PathBuf, Value)> {
        let place = reports.to_string_lossy();
        let arguments = [&[place.as_ref(), "loans", number], drifted].concat();
        let told: Value = serde_json::from_str(
            environment::run(python, "evidently/drift_report.py", &arguments)?.trim(),
        )?;
        let path = told.get("path").and_then(Value::as_str).ok_or("no path")?;
        let tests = told.get("tests").cloned().unwrap_or_default();
        Ok((PathBuf::from(path), tests))
    }

    /// A drifted column, told by Evidently itself, is an alert; the next report without drift closes it.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "installs Evidently: cargo xtask live --all"]
    async fn a_drifted_column_is_an_alert_until_a_report_without_drift() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let reports = folder.path().join("reports");
        std::fs::create_dir_all(&reports)?;
        let python = environment::python("evidently")?;
        let soc = Soc::start().await?;
        let config = format!(
            "connections:\n  drift: {{ connector: evidently, folder: reports }}\n{}routes:\n  - to: [soc]\n",
            soc.connections(folder.path())?
        );
        let andon = Andon::start(folder.path(), &config)?;
        // The alert about the column; there is another one about the whole dataset.
        let told = |activity: u64| {
            support::until(
                &format!("activity {activity} of the drift of loans.income"),
                Duration::from_mins(1),
                || {
                    let events = soc.splunk.recorded().events();
                    Ok(events.into_iter().map(|event| event.event).find(|event| {
                        let finding = &event["finding_info"];
                        finding["analytic"]["category"] == "feature-drift"
                            && support::text(&finding["title"]).starts_with("income of loans ")
                            && event["activity_id"] == activity
                    }))
                },
            )
            .map_err(|error| format!("{error}\n{}", andon.last_lines()))
        };

        let (first, tests) = report(&python, &reports, "1", &["--drifted"])?;
        assert!(
            first.ends_with("loans/1.json") && tests.to_string().contains("FAIL"),
            "{tests}"
        );
        let opened = told(1)?;

        let (_, tests) = report(&python, &reports, "2", &[])?;
        assert!(!tests.to_string().contains("FAIL"), "{tests}");
        let closed = told(3)?;
        assert_eq!(
            closed["finding_info"]["uid"], opened["finding_info"]["uid"],
            "another alert was closed than the one that was open"
        );
        Ok(())
    }
}

mod feast {
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use serde_json::Value;

    use super::support::{self, Andon, Soc};
    use super::{Outcome, Server, environment};

    /// What the connector does, but every minute: a test does not wait for five.
    fn poll_every_minute(folder: &Path) -> Outcome<()> {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/feast");
        let copy = folder.join("connectors/feast");
        for part in ["schemas", "samples"] {
            std::fs::create_dir_all(copy.join(part))?;
            for file in std::fs::read_dir(built_in.join(part))?.flatten() {
                std::fs::copy(file.path(), copy.join(part).join(file.file_name()))?;
            }
        }
        let manifest = std::fs::read_to_string(built_in.join("connector.yaml"))?;
        let often = manifest.replace("every: \"*/5 * * * *\"", "every: \"* * * * *\"");
        assert_ne!(
            manifest, often,
            "the built-in connector polls at other times"
        );
        Ok(std::fs::write(copy.join("connector.yaml"), often)?)
    }

    /// The registry's REST server, on a repository that is there.
    fn registry(python: &Path, repository: &Path) -> Outcome<Server> {
        let port = environment::free_port()?;
        let mut command = Command::new(python.with_file_name("feast"));
        command
            .args(["serve_registry", "--no-grpc", "--rest-api"])
            .args(["--rest-port", &port.to_string(), "-h", "127.0.0.1"]);
        let health = "/api/v1/feature_views?project=risk";
        Server::start("feast", command, repository, port, health)
    }

    /// A feature view behind its promise, in a real registry, is an alert; materialising it closes it.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "installs Feast: cargo xtask live --all"]
    async fn a_stale_feature_view_is_an_alert_until_it_is_materialised() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let repository = folder.path().join("feast");
        let python = environment::python("feast")?;
        let place = repository.to_string_lossy().into_owned();
        let store = |arguments: &[&str]| {
            let all = [&[place.as_str()], arguments].concat();
            environment::run(&python, "feast/feature_store.py", &all)
        };
        store(&["make"])?;
        store(&["materialize", "96", "72"])?;
        let server = registry(&python, &repository)?;

        poll_every_minute(folder.path())?;
        let soc = Soc::start().await?;
        let config = format!(
            "connections:\n  features: {{ connector: feast, url: \"{}\", reach: loopback, project: risk }}\n{}routes:\n  - to: [soc]\n",
            server.url(),
            soc.connections(folder.path())?
        );
        let andon = Andon::start(folder.path(), &config)?;
        let told = |activity: u64| -> Outcome<Value> {
            support::until(
                &format!("activity {activity} of the stale view"),
                Duration::from_secs(150),
                || {
                    let events = soc.splunk.recorded().events();
                    Ok(events.into_iter().map(|event| event.event).find(|event| {
                        event["finding_info"]["analytic"]["category"] == "stale-features"
                            && event["activity_id"] == activity
                    }))
                },
            )
            .map_err(|error| {
                format!("{error}\n{}\n{}", andon.last_lines(), server.last_lines()).into()
            })
        };

        // The first poll comes right after the start.
        let opened = told(1)?;
        assert_eq!(
            opened["finding_info"]["title"],
            "Feature view user_txn_1h of risk is older than it may be"
        );
        store(&["materialize", "2", "0"])?;
        let closed = told(3)?;
        assert_eq!(
            closed["finding_info"]["uid"], opened["finding_info"]["uid"],
            "another alert was closed than the one that was open"
        );
        Ok(())
    }
}

mod neovim {
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};

    use super::{Outcome, environment};

    const CONFIG: &str =
        "andon: config/v1\nconnections:\n  reports: { connector: evidently, folder: reports }\n";

    const MAPPING: &str = r#"andon: mapping/v1
name: drift
about: A column has drifted.
status: draft
from: evidently/test
when: signal.status == "FAIL" && signal.metric == "ValueDrift"
alert:
  kind: feature-drift
  title: "{{column}} has drifted"
  severity: high
  same_as: [=signal.dataset]
  fields: { column: =signal.?column }
quiet: 24h
"#;

    /// What an admin sees in a real editor: faults while typing, the signal's fields, what a name means, and
    /// where it stands.
    #[test]
    #[ignore = "installs Neovim: cargo xtask live"]
    fn neovim_checks_completes_explains_jumps_and_formats() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("andon.yaml"), CONFIG)?;
        std::fs::create_dir(folder.path().join("mappings"))?;
        std::fs::write(folder.path().join("mappings/drift.yaml"), MAPPING)?;
        let editor = environment::python("neovim")?.with_file_name("nvim");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/neovim/client.lua");
        let out = Command::new(editor)
            .args([
                "--headless",
                "--clean",
                "-l",
                script,
                env!("CARGO_BIN_EXE_andon"),
            ])
            .arg(folder.path())
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{}: {said}", out.status);
        // `-l` prints to standard output or error, by version.
        let lines = String::from_utf8_lossy(&out.stdout) + said;
        let line = lines.lines().rfind(|line| line.starts_with('{'));
        let shown: Value = serde_json::from_str(line.ok_or("Neovim printed nothing")?)?;
        assert_eq!(
            shown["faults"],
            json!([{
                "code": "AND0203", "line": 5, "column": 13,
                "message": "`sttus` is not a field of evidently/test (did you mean `status`?)\nhelp: write `signal.status`",
            }])
        );
        assert_eq!(
            shown["offers"]["column"],
            json!({ "detail": "text", "about": "The column, where the metric has one" }),
            "{}",
            shown["offers"]
        );
        assert_eq!(
            shown["offers"]["name"],
            Value::Null,
            "no field is called so"
        );
        let hover = shown["hover"].as_str().ok_or("no hover")?;
        assert!(
            hover.contains("The verdict") && hover.contains("SKIPPED"),
            "{hover}"
        );
        assert_eq!(shown["formatted"], true);
        let file = shown["jump"]["file"].as_str().ok_or("no jump")?;
        assert!(
            file.ends_with("connectors/evidently/connector.yaml"),
            "{file}"
        );
        let line = shown["jump"]["line"].as_str().ok_or("no line")?;
        assert!(line.starts_with("  test:"), "{line}");
        Ok(())
    }
}
