//! `andon token`: making tokens for callers, listing who has one, refusing one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::api::Api;
use super::{Ended, Format, Where, output, shown};
use crate::config::Caller;
use crate::daemon;
use crate::diag::{Faults, Source};
use crate::secret::Token;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    #[command(subcommand)]
    what: What,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text", global = true)]
    format: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    /// Make one: it is shown once, with the entry for `callers:` in andon.yaml
    New {
        /// Who asks with it, as the audit shows it
        name: String,
        /// What it may: a scope such as alerts:read, or CONNECTOR/VERB@CONNECTION
        #[arg(long, value_name = "SCOPE", num_args = 1.., required = true)]
        may: Vec<String>,
        /// Its last day, UTC, such as 2027-06-30
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// Refuse one from now on
    Revoke {
        /// Its hash as andon.yaml has it, `sha256:…`
        hash: String,
    },
    /// Who has one, from andon.yaml
    List,
}

/// Does it.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    match &typed.what {
        What::New { name, may, until } => {
            let token = Token::new()
                .ok()
                .context("the system gives no chance to make a token of")?;
            let entry = entry(name, may, until.as_deref(), &token.hash)?;
            let json = json!({ "name": name, "hash": token.hash, "entry": entry });
            let token = token.print_once();
            match typed.format {
                Format::Text => output::text(&made(&token, &entry)),
                Format::Json => {
                    let mut json = json;
                    if let Some(map) = json.as_object_mut() {
                        map.insert("token".to_owned(), token.into());
                    }
                    output::line(&output::json(&json));
                }
            }
        }
        What::Revoke { hash } => {
            if !is_hash(hash) {
                bail!(
                    "a token is revoked by its hash, `sha256:` and 64 hex digits, as andon.yaml has it"
                );
            }
            let body: Map<_, _> = [("hash".to_owned(), hash.as_str().into())]
                .into_iter()
                .collect();
            let answered = Api::open(at)?.post("/v1/tokens/revoke", body, Duration::ZERO)?;
            output::answer(typed.format, &answered.json, |_| {
                format!("{hash} is refused from now on; take its entry out of andon.yaml\n")
            });
        }
        What::List => {
            let (catalog, _) = daemon::load(&at.folder(Path::new("."))?)?;
            let callers = &catalog.config.callers;
            output::answer(typed.format, &as_json(callers), |_| listed(callers));
        }
    }
    Ok(Ended::Fine)
}

fn is_hash(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The entry of `callers:`, checked as `andon check` would.
fn entry(name: &str, may: &[String], until: Option<&str>, hash: &str) -> anyhow::Result<String> {
    let is_plain = !name.is_empty()
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_plain {
        bail!("a caller's name is made of letters, digits, `-`, `_` and `.`");
    }
    let scopes: Vec<String> = may
        .iter()
        .flat_map(|scopes| scopes.split(','))
        .map(|scope| scope_entry(scope.trim()))
        .collect::<anyhow::Result<_>>()?;
    let until = match until {
        None => String::new(),
        Some(until) => {
            let date: jiff::civil::Date = until.parse().ok().with_context(|| {
                format!(
                    "`{}` is no date; write such as 2027-06-30",
                    shown::text(until)
                )
            })?;
            format!(", until: {date}")
        }
    };
    let entry = format!(
        "- {{ name: \"{name}\", token: {{ hash: \"{hash}\" }}, may: [ {} ]{until} }}",
        scopes.join(", ")
    );
    let config = Source::new(
        "the new entry",
        format!("andon: config/v1\ncallers:\n  {entry}\n"),
    );
    let mut faults = Faults::new();
    let parsed = crate::config::parse(
        &config,
        &std::collections::BTreeMap::new(),
        &std::collections::BTreeSet::new(),
        &mut faults,
    );
    if parsed.is_none() || faults.has_errors() {
        let said = faults.into_sorted();
        let first = said
            .first()
            .map(|fault| fault.message.clone())
            .unwrap_or_default();
        bail!("{}", shown::text(&first));
    }
    Ok(entry)
}

fn scope_entry(typed: &str) -> anyhow::Result<String> {
    let is_plain = !typed.is_empty()
        && typed
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:/*@".contains(c));
    if !is_plain {
        bail!(
            "`{}` is no scope; write such as alerts:read or mlflow/move-alias@registry",
            shown::text(typed)
        );
    }
    match (typed.contains('/'), typed.split_once('@')) {
        (true, Some((action, at))) => Ok(format!("{{ action: \"{action}\", at: \"{at}\" }}")),
        (true, None) => bail!("say where: `{typed}@CONNECTION`, or `{typed}@*` for all of them"),
        (false, _) => Ok(format!("\"{typed}\"")),
    }
}

/// What is printed once.
fn made(token: &str, entry: &str) -> String {
    format!(
        "The token, shown this once and kept nowhere:\n\n  {token}\n\nPaste this under `callers:` in andon.yaml:\n\n  {entry}\n"
    )
}

fn listed(callers: &[Caller]) -> String {
    if callers.is_empty() {
        return "no callers in andon.yaml; `andon token new NAME --may alerts:read` makes one\n"
            .to_owned();
    }
    let rows: Vec<Vec<String>> = callers
        .iter()
        .map(|caller| {
            let may: Vec<String> = caller.may.iter().map(ToString::to_string).collect();
            vec![
                shown::text(&caller.name),
                caller.until.map(shown::seconds).unwrap_or_default(),
                shown::text(&may.join(", ")),
                caller.token_hash.clone(),
            ]
        })
        .collect();
    shown::table(&["name", "until", "may", "hash"], &rows)
}

fn as_json(callers: &[Caller]) -> Json {
    let callers: Vec<Json> = callers
        .iter()
        .map(|caller| {
            let may: Vec<String> = caller.may.iter().map(ToString::to_string).collect();
            json!({ "name": caller.name, "until": caller.until, "may": may, "hash": caller.token_hash })
        })
        .collect();
    json!({ "callers": callers })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn scopes(may: &[&str]) -> Vec<String> {
        may.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn the_entry_can_be_pasted() {
        let may = scopes(&["alerts:read", "mlflow/*@registry"]);
        let entry = entry("splunk-soar", &may, Some("2027-06-30"), HASH).unwrap();
        insta::assert_snapshot!(made("andon_TOKEN", &entry), @r#"
        The token, shown this once and kept nowhere:

          andon_TOKEN

        Paste this under `callers:` in andon.yaml:

          - { name: "splunk-soar", token: { hash: "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" }, may: [ "alerts:read", { action: "mlflow/*", at: "registry" } ], until: 2027-06-30 }
        "#);
        let config = Source::new(
            "andon.yaml",
            format!("andon: config/v1\ncallers:\n  {entry}\n"),
        );
        let mut faults = Faults::new();
        let read = crate::config::parse(
            &config,
            &std::collections::BTreeMap::new(),
            &std::collections::BTreeSet::new(),
            &mut faults,
        )
        .unwrap();
        let caller = read.callers.first().unwrap();
        assert_eq!(
            (caller.name.as_str(), caller.token_hash.as_str()),
            ("splunk-soar", HASH)
        );
        assert!(caller.may_ask("mlflow/move-alias", "registry"));
        assert!(!caller.may_ask("mlflow/move-alias", "other"));
    }

    #[test]
    fn what_no_entry_can_hold_is_refused() {
        for (name, may, until) in [
            ("a\"b", "alerts:read", None),
            ("", "alerts:read", None),
            ("a", "alerts:reed", None),
            ("a", "mlflow/move-alias", None),
            ("a", "x\" }, evil", None),
            ("a", "alerts:read", Some("next year")),
        ] {
            assert!(
                entry(name, &scopes(&[may]), until, HASH).is_err(),
                "{name} {may}"
            );
        }
    }

    #[test]
    fn only_a_hash_is_revoked() {
        assert!(is_hash(HASH));
        assert!(!is_hash("andon_TOKEN"));
    }
}
