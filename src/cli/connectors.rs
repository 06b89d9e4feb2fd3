//! `andon connectors`: what Andon knows of other systems, read from the files. Needs no daemon.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::shown::{self, Asked};
use super::{Ended, Where, output};
use crate::catalog::Catalog;
use crate::connector::{
    ActionRule, Connector, Of, Setting, SettingKind, SignalRule, Target, Verified, Way,
};
use crate::daemon;
use crate::diag::nearest;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// All of them
    List,
    /// One, with its settings, signals and actions
    Show {
        /// Its name
        name: String,
    },
}

/// Does it.
pub(crate) fn run(typed: &Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let folder = at.folder(Path::new("."))?;
    let (catalog, _) = daemon::load(&folder)?;
    match typed.what.as_ref().unwrap_or(&What::List) {
        What::List => output::answer(typed.format, &all(&catalog), |_| listed(&catalog)),
        What::Show { name } => {
            let connector = find(&catalog, name)?;
            output::answer(typed.format, &whole(connector), |_| one(connector));
        }
    }
    Ok(Ended::Fine)
}

fn find<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Arc<Connector>> {
    if let Some(connector) = catalog.connectors.get(name) {
        return Ok(connector);
    }
    let name_shown = shown::text(name);
    match nearest(name, catalog.connectors.keys().map(String::as_str)) {
        Some(meant) => bail!("there is no connector `{name_shown}`; did you mean `{meant}`?"),
        None => bail!("there is no connector `{name_shown}`; `andon connectors` lists them"),
    }
}

fn listed(catalog: &Catalog) -> String {
    let rows: Vec<Vec<String>> = catalog
        .connectors
        .values()
        .map(|connector| {
            vec![
                connector.name.clone(),
                connector.signals.len().to_string(),
                connector.actions.len().to_string(),
                delivers(connector).to_owned(),
                verified(connector.verified.as_ref()),
                first_sentence(&connector.about),
            ]
        })
        .collect();
    let heads = [
        "name", "signals", "actions", "delivers", "verified", "about",
    ];
    shown::table(&heads, &rows)
}

fn one(connector: &Connector) -> String {
    let mut out = shown::facts(&[
        ("connector", connector.name.clone()),
        ("about", shown::text(&connector.about)),
        (
            "docs",
            connector
                .docs
                .as_deref()
                .map(shown::text)
                .unwrap_or_default(),
        ),
        ("verified", verified(connector.verified.as_ref())),
        ("delivers", delivers(connector).to_owned()),
    ]);
    let settings: Vec<_> = connector.settings.iter().map(setting_row).collect();
    section(&mut out, "settings", &settings);
    let signals: Vec<_> = connector.signals.iter().map(signal_row).collect();
    section(&mut out, "signals", &signals);
    let actions: Vec<_> = connector.actions.iter().flat_map(action_rows).collect();
    section(&mut out, "actions", &actions);
    out
}

fn section(out: &mut String, head: &str, rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{head}");
    out.push_str(&shown::aligned(rows));
}

fn setting_row(setting: &Setting) -> Vec<String> {
    vec![
        format!("  {}", setting.name),
        kind(setting.kind).to_owned(),
        need(setting),
        shown::text(&setting.about),
    ]
}

fn need(setting: &Setting) -> String {
    match &setting.default {
        Some(default) => format!("default {}", shown::cell(default, "")),
        None if setting.optional => "optional".to_owned(),
        None => "needed".to_owned(),
    }
}

fn kind(kind: SettingKind) -> &'static str {
    match kind {
        SettingKind::Url => "url",
        SettingKind::Secret => "secret",
        SettingKind::Text => "text",
        SettingKind::Number => "number",
        SettingKind::Bool => "bool",
        SettingKind::Duration => "duration",
        SettingKind::Path => "path",
    }
}

fn signal_row(signal: &SignalRule) -> Vec<String> {
    vec![
        format!("  {}", signal.name),
        way(&signal.way).to_owned(),
        signal.schema_file.clone(),
    ]
}

fn way(way: &Way) -> &'static str {
    match way {
        Way::Webhook { .. } => "webhook",
        Way::Poll(_) => "poll",
        Way::File(_) => "file",
        Way::Own(_) => "own",
    }
}

fn action_rows(action: &ActionRule) -> Vec<Vec<String>> {
    let proof = match (action.prove.state.is_empty(), &action.prove.behaviour) {
        (_, Some(_)) => "proves what callers get",
        (false, None) => "proves the state",
        (true, None) => "proves nothing",
    };
    let undo = if action.limits.reversible {
        "can be undone"
    } else {
        "cannot be undone"
    };
    let mut rows = vec![vec![
        format!("  {}", action.name),
        format!("{} risk, {proof}, {undo}", risk(action)),
        shown::text(&action.about),
    ]];
    for take in &action.takes {
        let need = match &take.default {
            Some(default) => format!("default {}", shown::cell(default, "")),
            None if take.optional => "optional".to_owned(),
            None => "needed".to_owned(),
        };
        rows.push(vec![
            format!("    {}", take.name),
            format!("{}, {need}", take.kind.as_str()),
            shown::text(&take.about),
        ]);
    }
    rows
}

fn risk(action: &ActionRule) -> &'static str {
    match action.risk {
        crate::action::Risk::Low => "low",
        crate::action::Risk::Medium => "medium",
        crate::action::Risk::High => "high",
    }
}

fn delivers(connector: &Connector) -> &'static str {
    match &connector.deliver {
        None => "",
        Some(deliver) => match (&deliver.target, deliver.of) {
            (Target::File { .. }, _) => "every revision, to a file",
            (Target::Call(_), Of::Every) => "every revision",
            (Target::Call(_), Of::State) => "state",
        },
    }
}

fn verified(verified: Option<&Verified>) -> String {
    verified.map_or_else(String::new, |verified| {
        format!("{} ({})", shown::text(&verified.with), verified.how)
    })
}

fn first_sentence(about: &str) -> String {
    let end = about.find(". ").map_or(about.len(), |end| end + 1);
    shown::text(about.get(..end).unwrap_or(about).trim())
}

fn all(catalog: &Catalog) -> Json {
    let connectors: Vec<Json> = catalog
        .connectors
        .values()
        .map(|connector| whole(connector))
        .collect();
    json!({ "connectors": connectors })
}

fn whole(connector: &Connector) -> Json {
    let verified = connector
        .verified
        .as_ref()
        .map(|verified| json!({ "with": verified.with, "how": verified.how }));
    let settings: Vec<Json> = connector
        .settings
        .iter()
        .map(|setting| {
            json!({
                "name": setting.name, "is": kind(setting.kind), "about": setting.about,
                "optional": setting.optional, "default": setting.default, "one_of": setting.one_of,
            })
        })
        .collect();
    let signals: Vec<Json> = connector
        .signals
        .iter()
        .map(|signal| json!({ "name": signal.name, "way": way(&signal.way), "schema": signal.schema_file }))
        .collect();
    let actions: Vec<Json> = connector
        .actions
        .iter()
        .map(|action| {
            let takes: Vec<Json> = action
                .takes
                .iter()
                .map(|take| {
                    json!({
                        "name": take.name, "is": take.kind.as_str(), "about": take.about,
                        "optional": take.optional, "default": take.default, "one_of": take.one_of,
                    })
                })
                .collect();
            json!({
                "name": action.name, "about": action.about, "risk": risk(action),
                "reversible": action.limits.reversible, "takes": takes,
            })
        })
        .collect();
    json!({
        "name": connector.name,
        "about": connector.about,
        "docs": connector.docs,
        "verified": verified,
        "delivers": connector.deliver.is_some(),
        "settings": settings,
        "signals": signals,
        "actions": actions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Files, load};
    use crate::diag::{Faults, Source};

    fn built_in() -> Catalog {
        let config = Source::new("andon.yaml", "andon: config/v1\n");
        load(&Files::built_in(), &config, &mut Faults::new()).unwrap()
    }

    #[test]
    fn every_connector_is_listed_with_how_it_was_verified() {
        insta::assert_snapshot!(listed(&built_in()), @r"
        NAME          SIGNALS  ACTIONS  DELIVERS                   VERIFIED                                                              ABOUT
        alertmanager  1        0                                   alertmanager 0.25.0 (capture)                                         Prometheus Alertmanager.
        andon         2        0                                   andon (live)                                                          Andon itself.
        evidently     4        0                                   evidently 0.7.23 (live)                                               Evidently reports, read from a folder.
        feast         1        0                                   feast 0.67.0 (live)                                                   Feast feature registry.
        file          0        0        every revision, to a file  andon (contract)                                                      A file of OCSF events, one a line.
        generic       1        0                                   andon (contract)                                                      Any JSON object, unsigned.
        inspect       2        0                                   inspect_ai 0.3.285 (live)                                             Inspect AI evaluation logs, read from a folder.
        mlflow        17       3                                   mlflow 3.17.2 (live)                                                  MLflow Model Registry.
        model-server  0        2                                   mlserver 1.7.1 (live)                                                 Model servers by the V2 repository API.
        pagerduty     2        0        state                      Events API v2 and webhooks v3 (contract)                              PagerDuty, by Events API v2.
        sentinel      0        0        every revision             Logs Ingestion API 2023-01-01 (contract)                              Microsoft Sentinel, by the Logs Ingestion API.
        splunk        0        0        every revision             Splunk Enterprise 10.4 and Splunk Cloud answers on record (contract)  Splunk HTTP Event Collector.
        ");
    }

    #[test]
    fn one_is_shown_with_settings_signals_and_actions() {
        insta::assert_snapshot!(one(find(&built_in(), "mlflow").unwrap()), @r"
        connector  mlflow
        about      MLflow Model Registry. Reports changes to models, versions, aliases, tags, prompts and budgets; can move aliases and tag versions.
        docs       https://mlflow.org/docs/latest/ml/webhooks
        verified   mlflow 3.17.2 (live)

        settings
          url             url     needed    Tracking server, such as https://mlflow.example.com
          token           secret  optional  Bearer token, where a proxy in front of the server asks for one
          user            text    optional  User of the server's own basic-auth app
          password        secret  optional  Password of that user
          webhook_secret  secret  optional  The secret given when the webhook was created; without it no push is let in, and polls alone tell of changes

        signals
          model-created               webhook  schemas/model-created.json
          version-created             webhook  schemas/version-created.json
          tag-set                     webhook  schemas/tag-set.json
          tag-deleted                 webhook  schemas/tag-deleted.json
          alias-created               webhook  schemas/alias-created.json
          alias-deleted               webhook  schemas/alias-deleted.json
          prompt-created              webhook  schemas/prompt-created.json
          prompt-version-created      webhook  schemas/prompt-version-created.json
          prompt-tag-set              webhook  schemas/prompt-tag-set.json
          prompt-tag-deleted          webhook  schemas/prompt-tag-deleted.json
          prompt-version-tag-set      webhook  schemas/prompt-version-tag-set.json
          prompt-version-tag-deleted  webhook  schemas/prompt-version-tag-deleted.json
          prompt-alias-created        webhook  schemas/prompt-alias-created.json
          prompt-alias-deleted        webhook  schemas/prompt-alias-deleted.json
          budget-exceeded             webhook  schemas/budget-exceeded.json
          model                       poll     schemas/model.json
          version                     poll     schemas/version.json

        actions
          move-alias     high risk, proves the state, can be undone  Point a model's alias at another version. The usual way to roll back.
            model        text, needed
            alias        text, default champion
            version      text, needed                                The version to serve instead
          tag-version    low risk, proves the state, can be undone   Set a tag of a model version, such as a mark of quarantine that gates and reviewers read.
            model        text, needed
            version      text, needed
            key          text, default containment.status
            value        text, default quarantined
          untag-version  low risk, proves the state, can be undone   Remove a tag of a model version, such as an approval that should not stand.
            model        text, needed
            version      text, needed
            key          text, needed                                The tag to remove
        ");
    }

    #[test]
    fn json_has_the_same_names() {
        let json = whole(find(&built_in(), "pagerduty").unwrap());
        assert_eq!(json.pointer("/name"), Some(&Json::from("pagerduty")));
        assert_eq!(json.pointer("/delivers"), Some(&Json::from(true)));
        assert!(json.pointer("/settings/0/is").is_some_and(Json::is_string));
    }

    #[test]
    fn a_name_that_is_none_is_met_with_the_nearest() {
        assert_eq!(
            find(&built_in(), "mlfow").unwrap_err().to_string(),
            "there is no connector `mlfow`; did you mean `mlflow`?"
        );
    }
}
