//! `kinds.yaml`: what sorts of findings there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::{Faults, Source, codes};
use crate::kind::{Kind, Technique};
use crate::yaml::{self, Fields, Node};

/// Reads one `kinds.yaml`.
pub fn parse(source: &Arc<Source>, faults: &mut Faults) -> BTreeMap<String, Arc<Kind>> {
    let mut kinds = BTreeMap::new();
    let Some(node) = yaml::parse(source, faults) else {
        return kinds;
    };
    let Some(fields) = Fields::of(&node, "kinds.yaml", &["andon", "kinds"], faults) else {
        return kinds;
    };
    if fields.get("andon").and_then(Node::as_text) != Some("kinds/v1") {
        faults
            .error(
                codes::WRONG_KIND,
                fields.get("andon").map_or_else(|| node.head(), Node::place),
                "this is no `kinds/v1`",
            )
            .help("begin the file with `andon: kinds/v1`");
    }
    fields.require("kinds", "write the kinds under `kinds:`", faults);
    for item in fields.items("kinds", faults) {
        let Some(kind) = kind(item, faults) else {
            continue;
        };
        let name = kind.name.clone();
        if kinds.insert(name.clone(), Arc::new(kind)).is_some() {
            faults
                .error(
                    codes::SAME_NAME,
                    item.get("name").unwrap_or(item).place(),
                    format!("there are two kinds `{name}` in this file"),
                )
                .help("give each its own name, or take one away");
        }
    }
    kinds
}

/// OCSF 1.8.0 `analytic.type_id`.
const ANALYTICS: [(&str, u8); 5] = [
    ("rule", 1),
    ("behavioral", 2),
    ("statistical", 3),
    ("learning", 4),
    ("fingerprinting", 5),
];

fn kind(node: &Node, faults: &mut Faults) -> Option<Kind> {
    let fields = Fields::of(
        node,
        "a kind",
        &[
            "name", "title", "analytic", "types", "atlas", "owasp", "advice",
        ],
        faults,
    )?;
    let name = fields.required_text("name", "name it, such as `name: feature-drift`", faults);
    let title = fields.required_text("title", "write a few words for people", faults);
    let advice = fields.required_text("advice", "write one line: what to look at first", faults);
    let word = fields
        .text("analytic", faults)
        .unwrap_or_else(|| "rule".to_owned());
    let analytic = ANALYTICS
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, id)| *id);
    if analytic.is_none() {
        faults
            .error(
                codes::UNKNOWN_WORD,
                fields.get("analytic").unwrap_or(node).place(),
                format!("`{word}` is no kind of analytic"),
            )
            .help("write rule, behavioral, statistical, learning or fingerprinting");
    }
    let mut atlas = Vec::new();
    for item in fields.items("atlas", faults) {
        let Some(technique) = Fields::of(item, "a technique", &["uid", "name"], faults) else {
            continue;
        };
        let uid = technique.required_text("uid", "write its ATLAS id, such as `AML.T0020`", faults);
        let name = technique.required_text("name", "write its ATLAS name", faults);
        atlas.extend(uid.zip(name).map(|(uid, name)| Technique { uid, name }));
    }
    Some(Kind {
        name: name?,
        title: title?,
        analytic: analytic?,
        types: fields.list_of_text("types", faults).unwrap_or_default(),
        atlas,
        owasp: fields.list_of_text("owasp", faults).unwrap_or_default(),
        advice: advice?,
    })
}
