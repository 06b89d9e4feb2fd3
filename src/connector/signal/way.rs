//! How a signal arrives: webhook, poll or file; or that it is Andon's own.

use super::super::Schedule;
use super::{FileRule, Next, Open, Own, Poll, PollOf, Way, Whole};
use crate::diag::{Code, Faults, codes};
use crate::expr::Names;
use crate::shape::{Call, Offered, Reading};
use crate::yaml::{Fields, Node};

/// A `glob` that is no pattern of files.
const BAD_GLOB: Code = Code("AND0432");
/// A signal that arrives in no way, or in two.
const ONE_WAY: Code = Code("AND0430");

/// `next:` that leads nowhere.
const BAD_NEXT: Code = Code("AND0434");

pub(super) fn way(
    fields: &Fields<'_>,
    names: &Names,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Way> {
    let ways = [
        fields.get("webhook"),
        fields.get("poll"),
        fields.get("file"),
        fields.get("own"),
    ];
    if ways.iter().flatten().count() != 1 {
        faults
            .error(ONE_WAY, fields.node().head(), "a signal arrives in one way")
            .help("write one of `webhook:`, `poll:` and `file:`; for two ways write two signals");
        return None;
    }
    let reading = Reading::over(names);
    if let Some(node) = fields.get("webhook") {
        let webhook = Fields::of(node, "`webhook`", &["only_if"], faults)?;
        let only_if = webhook
            .get("only_if")
            .map(|node| reading.condition(node, faults));
        return match only_if {
            None => Some(Way::Webhook { only_if: None }),
            Some(read) => read.map(|only_if| Way::Webhook {
                only_if: Some(only_if),
            }),
        };
    }
    if let Some(node) = fields.get("own") {
        return own(node, faults);
    }
    if let Some(node) = fields.get("file") {
        return file(node, &reading, faults).map(Way::File);
    }
    fields
        .get("poll")
        .and_then(|node| poll(node, names, offered, faults))
        .map(|poll| Way::Poll(Box::new(poll)))
}

fn own(node: &Node, faults: &mut Faults) -> Option<Way> {
    let text = node.as_text().unwrap_or_default();
    match text {
        "destinations" => return Some(Way::Own(Own::Destinations)),
        "containments" => return Some(Way::Own(Own::Containments)),
        _ => {}
    }
    faults
        .error(
            codes::UNKNOWN_WORD,
            node.place(),
            format!("Andon tells nothing of its own called `{text}`"),
        )
        .help(
            "write `own: destinations` or `own: containments`, or how the signal arrives: `webhook:`, `poll:` or `file:`",
        );
    None
}

pub(super) fn poll(
    node: &Node,
    names: &Names,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Poll> {
    let mut keys = vec!["of", "every", "next", "mark", "full"];
    keys.extend(crate::shape::CALL_KEYS);
    let fields = Fields::of(node, "`poll`", &keys, faults)?;
    let reading = Reading {
        names,
        secrets: offered.secrets,
        templates: None,
    };
    let of = match fields
        .required_text("of", "write `of: state` or `of: events`", faults)
        .as_deref()
    {
        Some("state") => Some(PollOf::State),
        Some("events") => Some(PollOf::Events),
        Some(other) => {
            faults
                .error(codes::UNKNOWN_WORD, fields.get("of").unwrap_or(node).place(), format!("a poll is not of `{other}`"))
                .help("write `state` for things that are (evaluated at every poll) or `events` for things that happened (once each)");
            None
        }
        None => None,
    };
    let every = fields
        .require(
            "every",
            "write a schedule, such as `every: \"*/5 * * * *\"`",
            faults,
        )
        .and_then(|node| Schedule::parse(node, faults));
    let full = fields
        .get("full")
        .and_then(|node| Schedule::parse(node, faults));
    let mark = fields
        .get("mark")
        .and_then(|node| reading.expr(node, faults));
    let next = fields
        .get("next")
        .and_then(|node| next(node, &reading, faults));
    let call = Call::parse(&fields, &reading, offered, None, faults);
    Some(Poll {
        of: of?,
        every: every?,
        call: call?,
        next,
        mark,
        full,
    })
}

pub(super) fn next(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Option<Next> {
    let fields = Fields::of(
        node,
        "`next`",
        &["query", "from", "link", "page", "first", "while"],
        faults,
    )?;
    if let Some(link) = fields.get("link") {
        return reading.expr(link, faults).map(Next::Link);
    }
    if let Some(page) = fields.text("page", faults) {
        let more = fields.require(
            "while",
            "write a condition over the answer, such as `while: body.pagination.hasNext`",
            faults,
        )?;
        let first = fields.whole_number("first", faults).unwrap_or(1);
        return reading.condition(more, faults).map(|more| Next::Page {
            query: page,
            first,
            more,
        });
    }
    if let (Some(query), Some(from)) = (fields.text("query", faults), fields.get("from")) {
        return reading
            .expr(from, faults)
            .map(|from| Next::Token { query, from });
    }
    faults
        .error(BAD_NEXT, node.place(), "this does not say how the next page is had")
        .help("write `{ query: page_token, from: =body.next }`, `{ link: =body.next }`, or `{ page: page, while: body.more }`");
    None
}

pub(super) fn file(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Option<FileRule> {
    let fields = Fields::of(
        node,
        "`file`",
        &["glob", "open", "member", "whole", "only_if"],
        faults,
    )?;
    let glob = fields.required_text(
        "glob",
        "say which files, such as `glob: \"**/*.json\"`",
        faults,
    );
    let open = match fields
        .required_text("open", "write `open: json`, `jsonl` or `zip`", faults)
        .as_deref()
    {
        Some("json") => Some(Open::Json),
        Some("jsonl") => Some(Open::Jsonl),
        Some("zip") => fields
            .required_text(
                "member",
                "name the file inside the archive, such as `member: header.json`",
                faults,
            )
            .map(|member| Open::Zip { member }),
        Some(other) => {
            faults
                .error(
                    codes::UNKNOWN_WORD,
                    fields.get("open").unwrap_or(node).place(),
                    format!("files are not opened as `{other}`"),
                )
                .help("write `json`, `jsonl` or `zip`");
            None
        }
        None => None,
    };
    if let Some(glob) = &glob
        && let Err(error) = globset::Glob::new(glob)
    {
        faults
            .error(
                BAD_GLOB,
                fields.get("glob").unwrap_or(node).place(),
                format!("this is no pattern of files: {}", error.kind()),
            )
            .help("write `*` for part of a name, `**/` for any folders");
    }
    let whole = fields.get("whole").and_then(|node| {
        let fields = Fields::of(node, "`whole`", &["has", "or_quiet"], faults)?;
        let has = fields
            .get("has")
            .and_then(|node| reading.condition(node, faults));
        Some(Whole {
            has,
            or_quiet: fields.duration("or_quiet", faults),
        })
    });
    let only_if = fields
        .get("only_if")
        .and_then(|node| reading.condition(node, faults));
    Some(FileRule {
        glob: glob?,
        open: open?,
        whole,
        only_if,
    })
}
