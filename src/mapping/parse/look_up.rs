//! `look_up:`: what has to be asked before a mapping can judge.

use super::super::LookUp;
use super::Known;
use crate::connector::{ANSWER, Step, is_name};
use crate::diag::{Code, Faults, codes};
use crate::expr::{Names, Type};
use crate::shape::{Offered, Reading};
use crate::signal::SignalName;
use crate::yaml::{Fields, Node};
use crate::{connector, yaml};

/// A look-up that keeps nothing.
const KEEPS_NOTHING: Code = Code("AND0510");

pub(super) fn look_up_names(
    fields: &Fields<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Vec<(String, usize)> {
    let mut slots = Vec::new();
    for entry in fields.entries("look_up", faults) {
        if names.slot(&entry.key).is_some() || !is_name(&entry.key) || entry.key.contains('-') {
            faults
                .error(
                    codes::BAD_NAME,
                    entry.key_place(),
                    format!("what is looked up cannot be called `{}`", entry.key),
                )
                .help("choose a word of letters, digits and `_` that nothing else here is called");
            continue;
        }
        slots.push((entry.key.clone(), names.len()));
        *names = std::mem::take(names).with(&entry.key, Type::Any);
    }
    slots
}

pub(super) fn look_ups(
    fields: &Fields<'_>,
    names: &Names,
    slots: &[(String, usize)],
    from: Option<&SignalName>,
    known: Known<'_>,
    faults: &mut Faults,
) -> Vec<LookUp> {
    let mut look_ups = Vec::new();
    let names = names.clone().showing(&ANSWER);
    let connector = from.and_then(|from| known.connectors.get(&from.connector));
    let settings = |wanted: &dyn Fn(connector::SettingKind) -> bool| -> Vec<String> {
        connector
            .map(|connector| {
                connector
                    .settings
                    .iter()
                    .filter(|setting| wanted(setting.kind))
                    .map(|setting| setting.name.clone())
                    .collect()
            })
            .unwrap_or_default()
    };
    let plain = settings(&|kind| kind != connector::SettingKind::Secret);
    let urls = settings(&|kind| kind == connector::SettingKind::Url);
    let secrets = settings(&|kind| kind == connector::SettingKind::Secret);
    let around = connector::Around {
        offered: Offered {
            plain: &plain,
            urls: &urls,
            secrets: &secrets,
        },
        prefix: None,
        reads: &[],
        what: "a look-up",
    };
    for entry in fields
        .get("look_up")
        .and_then(Node::as_map)
        .unwrap_or_default()
    {
        let Some((name, slot)) = slots.iter().find(|(name, _)| *name == entry.key) else {
            continue;
        };
        let keep = if let Some(node) = entry.value.get("keep") {
            Reading::over(&names).expr(node, faults)
        } else {
            faults
                .error(
                    KEEPS_NOTHING,
                    entry.value.place(),
                    "this look-up keeps nothing",
                )
                .help("write `keep: =body` or a part of the answer");
            None
        };
        let mut asking = entry.value.clone();
        let mut at = None;
        if let yaml::Kind::Map(entries) = &mut asking.kind {
            at = entries
                .iter()
                .find(|entry| entry.key == "at")
                .and_then(|entry| entry.value.as_text().map(str::to_owned));
            entries.retain(|entry| entry.key != "keep" && entry.key != "at");
        }
        let mut names = names.clone();
        if let (Some(step), Some(keep)) =
            (Step::parse(&asking, &[], &around, &mut names, faults), keep)
        {
            look_ups.push(LookUp {
                name: name.clone(),
                slot: *slot,
                at,
                call: step.call,
                answers: step.answers,
                keep,
                place: entry
                    .value
                    .get("at")
                    .map_or_else(|| entry.key_place(), Node::place),
            });
        }
    }
    look_ups
}
