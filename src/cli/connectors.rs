//! `andon connectors`: what Andon knows of other systems, read from the files. Needs no daemon.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::{Ended, Format, output, shown};
use crate::catalog::Catalog;
use crate::connector::{
    ActionRule, Connector, Of, Setting, SettingKind, SignalRule, Target, Verified, Way,
};
use crate::daemon::{self, Folder};
use crate::diag::nearest;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    #[command(subcommand)]
    what: Option<What>,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text", global = true)]
    format: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    /// All of them
    List,
    /// One, with its settings, signals and actions
    Show {
        /// Its name
        name: String,
    },
}

/// Does it.
pub(crate) fn run(typed: &Typed, config: Option<&Path>) -> anyhow::Result<Ended> {
    let folder = Folder::read(Path::new("."), config)?;
    let (catalog, _) = match daemon::load(&folder) {
        Ok(loaded) => loaded,
        Err(daemon::Error::Faults(said)) => {
            output::faults(&said);
            return Ok(Ended::Faults);
        }
        Err(other) => return Err(other.into()),
    };
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
    let settings = connector.settings.iter().map(setting_row).collect();
    section(&mut out, "settings", settings);
    let signals = connector.signals.iter().map(signal_row).collect();
    section(&mut out, "signals", signals);
    let actions = connector.actions.iter().flat_map(action_rows).collect();
    section(&mut out, "actions", actions);
    out
}

fn section(out: &mut String, head: &str, rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("\n{head}\n"));
    out.push_str(&shown::aligned(&rows));
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
        insta::assert_snapshot!(listed(&built_in()));
    }

    #[test]
    fn one_is_shown_with_settings_signals_and_actions() {
        insta::assert_snapshot!(one(find(&built_in(), "mlflow").unwrap()));
    }

    #[test]
    fn json_has_the_same_names() {
        let json = whole(find(&built_in(), "pagerduty").unwrap());
        assert_eq!(json.pointer("/name"), Some(&Json::from("pagerduty")));
        assert_eq!(json.pointer("/delivers"), Some(&Json::from(true)));
        assert_eq!(
            json.pointer("/settings/0/is")
                .and_then(Json::as_str)
                .is_some(),
            true
        );
    }

    #[test]
    fn a_name_that_is_none_is_met_with_the_nearest() {
        assert_eq!(
            find(&built_in(), "mlfow").unwrap_err().to_string(),
            "there is no connector `mlfow`; did you mean `mlflow`?"
        );
    }
}
