//! `andon check --live` of the real binary: what it asks at the strict stand-ins, what it says, and that
//! nothing is left there.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use andon::sandbox::{Listen, features, registry};
use serde_json::Value;
use support::{Outcome, Soc, WEBHOOK_SECRET, secret};

const FEATURE_VIEWS: &str = include_str!("../connectors/feast/samples/feature-view.json");

/// The folder with a connection to each stand-in.
async fn house(
    folder: &Path,
) -> Outcome<(
    Soc,
    andon::sandbox::Running<registry::Registry>,
    andon::sandbox::Running<features::Features>,
)> {
    let soc = Soc::start().await?;
    let registry = registry::start(registry::Options::default()).await?;
    let features = features::start(&Listen::default(), FEATURE_VIEWS).await?;
    secret(folder, "webhook", WEBHOOK_SECRET)?;
    std::fs::create_dir(folder.join("reports"))?;
    std::fs::write(folder.join("reports/run.json"), "{}")?;
    let config = format!(
        "andon: config/v1\nlisten: 127.0.0.1:1\npublic_url: https://andon.example.com\nconnections:\n{soc}  \
         registry: {{ connector: mlflow, url: \"{}\", reach: loopback, webhook_secret: {{ file: secrets/webhook }} }}\n  \
         features: {{ connector: feast, url: \"{}\", reach: loopback, project: risk }}\n  \
         drift: {{ connector: evidently, folder: reports }}\n  \
         monitoring: {{ connector: alertmanager }}\n  \
         lines: {{ connector: file, path: alerts.ndjson }}\n",
        registry.url(),
        features.url(),
        soc = soc.connections(folder)?,
    );
    std::fs::write(folder.join("andon.yaml"), config)?;
    Ok((soc, registry, features))
}

fn check(folder: &Path, more: &[&str]) -> Outcome<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["check", "--live"])
        .args(more)
        .current_dir(folder)
        .output()?)
}

/// The outcome of each question, by connection and question.
fn outcomes(said: &Value, connection: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = said["connections"].as_array().cloned().unwrap_or_default();
    let of = all.iter().find(|one| one["name"] == connection);
    let asked = of.and_then(|of| of["asked"].as_array().cloned());
    asked
        .unwrap_or_default()
        .iter()
        .map(|one| (text(&one["outcome"]), text(&one["about"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_is_asked_and_nothing_is_left_there() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, registry, features) = house(folder.path()).await?;
    registry.recorded().create_model("churn", &[])?;
    let leads_here = "https://andon.example.com/v1/signals/registry";
    registry
        .recorded()
        .add_webhook("andon", leads_here, Some(WEBHOOK_SECRET))?;
    let out = check(folder.path(), &["--format", "json"])?;
    let said: Value = serde_json::from_slice(&out.stdout)?;
    assert_eq!(said["faults"], serde_json::json!([]));
    assert_eq!(out.status.code(), Some(0));
    let expected: [(&str, &[(&str, &str)]); 8] = [
        (
            "soc",
            &[
                ("fine", "secrets"),
                ("fine", "the collector"),
                ("fine", "the token"),
                ("fine", "indexer acknowledgment"),
            ],
        ),
        (
            "sentinel",
            &[
                ("fine", "secrets"),
                ("fine", "the token, the rule and the stream"),
                ("not_asked", "the columns of the stream and of the table"),
            ],
        ),
        (
            "oncall",
            &[
                ("fine", "secrets"),
                ("not_asked", "pushes"),
                ("fine", "the Events API"),
                ("not_asked", "the routing key"),
                ("not_asked", "the webhook"),
            ],
        ),
        (
            "registry",
            &[
                ("fine", "secrets"),
                ("fine", "the webhook"),
                ("not_asked", "the webhook's secret"),
                ("not_asked", "the right to move aliases and to tag"),
                ("fine", "polling `model`"),
                ("fine", "polling `version`"),
            ],
        ),
        ("features", &[("fine", "polling `feature-view`")]),
        (
            "drift",
            &[
                ("fine", "files of `test`"),
                ("fine", "files of `drift`"),
                ("fine", "files of `legacy-dataset`"),
                ("fine", "files of `legacy-column`"),
            ],
        ),
        ("monitoring", &[("not_asked", "pushes")]),
        ("lines", &[("not_asked", "the file")]),
    ];
    for (connection, questions) in expected {
        let wanted: Vec<(String, String)> = questions
            .iter()
            .map(|(outcome, about)| ((*outcome).to_owned(), (*about).to_owned()))
            .collect();
        assert_eq!(outcomes(&said, connection), wanted, "{connection}");
    }
    assert_eq!(soc.splunk.recorded().count(), 0);
    assert_eq!(soc.azure.recorded().count(), 0);
    assert_eq!(soc.pager.recorded().count(), 0);
    assert_eq!(features.recorded().asked(), 1);
    assert_eq!(registry.recorded().deliveries(), []);
    let mut left: Vec<_> = std::fs::read_dir(folder.path())?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Outcome<_>>()?;
    left.sort();
    assert_eq!(left, ["andon.yaml", "reports", "secrets"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_ends_with_1_and_points_at_the_file() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, _registry, _features) = house(folder.path()).await?;
    secret(folder.path(), "hec", "00000000-0000-0000-0000-000000000000")?;
    let out = check(folder.path(), &[])?;
    let (shown, faults) = (
        String::from_utf8(out.stdout)?,
        String::from_utf8(out.stderr)?,
    );
    assert_eq!(out.status.code(), Some(1), "{faults}");
    let has = |line: &str| assert!(shown.lines().any(|known| known == line), "{line}\n{shown}");
    has("soc (splunk at 127.0.0.1)");
    has("  fault      the token               `soc`: the collector does not know this token");
    has("  not asked  indexer acknowledgment  the credentials are refused");
    has("registry (mlflow at 127.0.0.1)");
    assert!(
        faults.contains("error[AND0857]: `soc`: the collector does not know this token"),
        "{faults}"
    );
    assert!(faults.contains("no webhook leads here"), "{faults}");
    assert!(faults.contains("2 faults in 1 file"), "{faults}");
    assert!(!shown.contains("00000000-0000"), "{shown}");
    assert!(!faults.contains("00000000-0000"), "{faults}");
    assert_eq!(soc.splunk.recorded().count(), 0);
    let sarif = check(folder.path(), &["--format", "sarif"])?;
    let sarif: Value = serde_json::from_slice(&sarif.stdout)?;
    assert_eq!(
        sarif["runs"][0]["results"].as_array().map(Vec::len),
        Some(2)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_of_a_webhook_where_no_push_is_let_in() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (_soc, registry, _features) = house(folder.path()).await?;
    registry.recorded().create_model("churn", &[])?;
    let file = folder.path().join("andon.yaml");
    let config = std::fs::read_to_string(&file)?;
    std::fs::write(
        &file,
        config.replace(", webhook_secret: { file: secrets/webhook }", ""),
    )?;
    let out = check(folder.path(), &["--format", "json"])?;
    let said: Value = serde_json::from_slice(&out.stdout)?;
    assert_eq!(said["faults"], serde_json::json!([]));
    let wanted = [
        ("not_asked", "pushes"),
        ("not_asked", "the right to move aliases and to tag"),
        ("fine", "polling `model`"),
        ("fine", "polling `version`"),
    ]
    .map(|(outcome, about)| (outcome.to_owned(), about.to_owned()));
    assert_eq!(outcomes(&said, "registry"), wanted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_columns_and_rule_are_asked_of_azure() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, _registry, _features) = house(folder.path()).await?;
    let file = folder.path().join("andon.yaml");
    let config = std::fs::read_to_string(&file)?;
    let resources = format!(
        "subscription: 22222222-3333-4444-5555-666666666666, resource_group: soc, rule: andon, management_url: \"{}\", dcr:",
        soc.azure.url()
    );
    std::fs::write(&file, config.replace("dcr:", &resources))?;
    let asked = || -> Outcome<Vec<(String, String)>> {
        let out = check(folder.path(), &["--format", "json"])?;
        Ok(outcomes(&serde_json::from_slice(&out.stdout)?, "sentinel"))
    };
    let of = |outcome: &str, about: &str| (outcome.to_owned(), about.to_owned());
    let found = asked()?;
    for about in [
        "the token, the rule and the stream",
        "the columns of the stream",
        "the columns of the table",
    ] {
        assert!(found.contains(&of("fine", about)), "{found:?}");
    }
    soc.azure.recorded().assign_role(false);
    let found = asked()?;
    assert!(
        found.contains(&of("fault", "the token, the rule and the stream")),
        "{found:?}"
    );
    assert!(
        found.contains(&of("fine", "the columns of the table")),
        "{found:?}"
    );
    Ok(())
}
