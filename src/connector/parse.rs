//! Reading `connector.yaml` with the files beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Connector, SettingKind, Unmatched, Unread, Verified, Way, Webhook, accepts, action, deliver,
    live, setting, signal,
};
use crate::diag::{Code, Faults, Source, codes};
use crate::shape::{AuthRule, Offered, Templates};
use crate::yaml::{self, Fields, Node};

/// The name in the file is not the file's.
const WRONG_NAME: Code = Code("AND0125");
/// Webhook signals without a way in, or the other way round.
pub(super) const WEBHOOK: Code = Code("AND0413");

/// What to write where nobody is let in.
const LET_IN: &str = "write `webhook:` with `signature:` or `accepts:`; `webhook: { accepts: anyone }` lets everybody in, \
    on loopback only";

/// The files beside a manifest, by their path below its folder.
pub type Files = BTreeMap<String, Arc<[u8]>>;

const KEYS: [&str; 12] = [
    "andon", "name", "about", "docs", "verified", "settings", "auth", "webhook", "signals",
    "actions", "deliver", "live",
];

/// Reads the manifest of the connector in the folder `folder`.
pub fn parse(
    source: &Arc<Source>,
    folder: &str,
    files: &Files,
    templates: &Templates,
    faults: &mut Faults,
) -> Option<Connector> {
    let node = yaml::parse(source, faults)?;
    let fields = Fields::of(&node, "a connector", &KEYS, faults)?;
    let start = faults.errors();
    check_head(&fields, "connector/v1", folder, "the folder's", faults);
    let settings = fields
        .get("settings")
        .map(|node| setting::parse(node, faults))
        .unwrap_or_default();
    let named = |wanted: &dyn Fn(SettingKind) -> bool| -> Vec<String> {
        settings
            .iter()
            .filter(|setting| wanted(setting.kind))
            .map(|setting| setting.name.clone())
            .collect()
    };
    let (plain, urls, secrets) = (
        named(&|kind| kind != SettingKind::Secret),
        named(&|kind| kind == SettingKind::Url),
        named(&|kind| kind == SettingKind::Secret),
    );
    let offered = Offered {
        plain: &plain,
        urls: &urls,
        secrets: &secrets,
    };
    let auth = match fields.get("auth") {
        None => Vec::new(),
        Some(node) => match node.as_list() {
            Some(items) => items
                .iter()
                .filter_map(|item| AuthRule::parse(item, offered, faults))
                .collect(),
            None => AuthRule::parse(node, offered, faults).into_iter().collect(),
        },
    };
    let webhook = fields
        .get("webhook")
        .and_then(|node| webhook(node, &secrets, faults));
    let signal_entries = fields.entries("signals", faults);
    let signal_names: Vec<String> = signal_entries
        .iter()
        .map(|entry| entry.key.clone())
        .collect();
    let signals: Vec<_> = signal_entries
        .iter()
        .filter_map(|entry| signal::parse(folder, entry, files, offered, faults))
        .collect();
    let actions = fields
        .entries("actions", faults)
        .iter()
        .filter_map(|entry| action::parse(entry, &signal_names, offered, faults))
        .collect();
    let deliver = fields
        .get("deliver")
        .and_then(|node| deliver::parse(node, templates, offered, faults));
    if let Some(replies) = signals.iter().find(|signal| signal.reply.is_some())
        && fields.get("deliver").is_none()
    {
        signal::without_alerts(replies.place.clone(), faults);
    }
    let live = live::parse(&fields, offered, faults);
    if webhook.is_none()
        && signals
            .iter()
            .any(|signal| matches!(signal.way, Way::Webhook { .. }))
    {
        faults
            .error(
                WEBHOOK,
                node.place_of_key("signals"),
                "a signal arrives by webhook, and nothing says how pushes are let in",
            )
            .help(LET_IN);
    }
    let about = fields.required_text(
        "about",
        "say in a sentence or two what it reports and what it can do",
        faults,
    );
    let verified = fields
        .get("verified")
        .and_then(|node| verified(node, faults));
    (faults.errors() == start).then_some(())?;
    Some(Connector {
        name: folder.to_owned(),
        about: about?,
        docs: fields.text("docs", faults),
        verified,
        settings,
        auth,
        webhook,
        signals,
        actions,
        deliver,
        live,
        place: fields.get("name").unwrap_or(&node).place(),
    })
}

/// Checks `andon:` (kind and version, the first key) and `name:` (the file's own).
pub fn check_head(fields: &Fields<'_>, kind: &str, name: &str, whose: &str, faults: &mut Faults) {
    match fields.require(
        "andon",
        &format!("begin the file with `andon: {kind}`"),
        faults,
    ) {
        Some(node) if node.as_text() == Some(kind) => {
            let first = fields.node().as_map().and_then(<[_]>::first);
            if first.is_some_and(|entry| entry.key != "andon") {
                faults
                    .error(
                        codes::WRONG_KIND,
                        node.place(),
                        "the first key names kind and version",
                    )
                    .help(format!("move `andon: {kind}` to the top"));
            }
        }
        Some(node) => {
            faults
                .error(
                    codes::WRONG_KIND,
                    node.place(),
                    format!("this is no `{kind}`"),
                )
                .help(format!("write `andon: {kind}`"));
        }
        None => {}
    }
    if let Some(written) = fields.require("name", &format!("write `name: {name}`"), faults)
        && written.as_text() != Some(name)
    {
        faults
            .error(
                WRONG_NAME,
                written.place(),
                format!("this name is not {whose}"),
            )
            .help(format!("write `name: {name}`"));
    }
}

fn webhook(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<Webhook> {
    let fields = Fields::of(
        node,
        "`webhook`",
        &["signature", "accepts", "unmatched", "unreadable"],
        faults,
    )?;
    if fields.get("signature").is_some() && fields.get("accepts").is_some() {
        faults
            .error(
                super::accepts::TWO_WAYS,
                node.place(),
                "`signature:` is short for `accepts:` with one entry, and both are here",
            )
            .help("move it into the list: `accepts: [ { signature: {…} }, … ]`");
    }
    if fields.get("signature").is_none() && fields.get("accepts").is_none() {
        faults
            .error(WEBHOOK, node.head(), "this lets nobody in")
            .help(LET_IN);
    }
    let unmatched = [("count", Unmatched::Count), ("keep", Unmatched::Keep)];
    let unmatched = accepts::word(&fields, "unmatched", &unmatched, Unmatched::Count, faults);
    let unreadable = [("refuse", Unread::Refuse), ("keep", Unread::Keep)];
    let unreadable = accepts::word(&fields, "unreadable", &unreadable, Unread::Refuse, faults);
    Some(Webhook {
        accepts: accepts::parse(&fields, secrets, faults),
        unmatched,
        unreadable,
    })
}

fn verified(node: &Node, faults: &mut Faults) -> Option<Verified> {
    let fields = Fields::of(node, "`verified`", &["with", "how"], faults)?;
    let with = fields.required_text("with", "name the software and its version", faults);
    let how = fields.required_text("how", "write live, capture or contract", faults)?;
    if !["live", "capture", "contract"].contains(&how.as_str()) {
        faults
            .error(
                codes::UNKNOWN_WORD,
                fields.get("how").unwrap_or(node).place(),
                format!("nothing is verified by `{how}`"),
            )
            .help("write live, capture or contract");
    }
    Some(Verified { with: with?, how })
}
