//! What triage would do and what each destination would get, as a person reads it.

use super::outlook::{Does, Open, Outlook};
use super::part::Looked;
use super::sent::Sent;
use super::story::{End, Story};
use super::text::{Lines, list};
use crate::cli::{output, shown};
use crate::untrusted;

/// How far a request's lines stand in.
const INDENT: &str = "           ";

/// What triage would do.
pub(super) fn triage(lines: &mut Lines, story: &Story) {
    if let Some(outlook) = &story.triage {
        lines.free("triage", &said(outlook, story));
    }
}

fn said(outlook: &Outlook, story: &Story) -> String {
    let to_be = story.alert.as_ref().map(|alert| alert.severity);
    match (&outlook.open, outlook.does) {
        (Some(open), Does::Raises) => {
            let to_be = to_be.map_or("worse", |severity| severity.as_str());
            let next = open.revision + 1;
            format!("makes it {to_be}, as revision {next}: {}", known(open))
        }
        (Some(open), Does::Changes) => {
            let next = open.revision + 1;
            format!("changes what it shows, as revision {next}: {}", known(open))
        }
        (Some(open), Does::Counts) => {
            let stays = match to_be {
                Some(severity) if severity < open.severity => {
                    format!("; it stays {}, a severity only rises", open.severity)
                }
                _ => String::new(),
            };
            format!("counts one more, and tells nobody: {}{stays}", known(open))
        }
        (Some(open), Does::Opens | Does::Closes | Does::FindsNothing) => {
            format!("closes it: {}", known(open))
        }
        (None, Does::FindsNothing) => "closes nothing: no alert of this key is open".to_owned(),
        (None, Does::Closes) => format!("closes the open alert of this key{}", unknown(outlook)),
        (None, _) => match &outlook.not_asked {
            None => "opens an alert: none of this key is open".to_owned(),
            Some(_) => format!(
                "opens an alert, or counts in that of this key{}",
                unknown(outlook)
            ),
        },
    }
}

fn known(open: &Open) -> String {
    let signals = match open.count {
        1 => "1 signal".to_owned(),
        many => format!("{many} signals"),
    };
    let since = shown::seconds(open.first_seen);
    format!(
        "{} is open, {}, {signals} since {since}",
        open.id, open.severity
    )
}

fn unknown(outlook: &Outlook) -> String {
    match &outlook.not_asked {
        None => ", if one is open".to_owned(),
        Some(why) => format!(", if one is open ({})", untrusted::log(why, 160)),
    }
}

/// What each destination would get; with the requests where `with_bytes`.
pub(super) fn sends(lines: &mut Lines, story: &Story, with_bytes: bool) {
    let wide = story
        .send
        .iter()
        .map(|sent| sent.to.len())
        .max()
        .unwrap_or(0);
    for sent in &story.send {
        let to = &sent.to;
        let said = match &sent.why_not {
            Some(why) => not_sent(why, sent),
            None => would_be_sent(sent),
        };
        lines.free("send", &format!("{to:<wide$}  {said}"));
        if with_bytes {
            request(lines, sent);
        }
    }
    if story.gives == End::Alert && story.send.is_empty() {
        lines.free("send", "nowhere: andon.yaml has no routes");
    }
}

fn not_sent(why: &str, sent: &Sent) -> String {
    let looked: &[Looked] = &sent.looked;
    let looked = match list(looked) {
        nothing if nothing.is_empty() => nothing,
        looked => format!(" ({looked})"),
    };
    format!("not sent: {}{looked}", shown::text(why))
}

fn would_be_sent(sent: &Sent) -> String {
    let key = sent.key.as_ref().map_or_else(String::new, |(name, value)| {
        format!(", {name} {}", shown::text(value))
    });
    let dropped = match sent.dropped.as_slice() {
        [] => String::new(),
        paths => format!(
            ", without {}, so that it fits",
            shown::text(&paths.join(", "))
        ),
    };
    let bytes = shown::count(sent.bytes);
    format!("would be sent, 1 event, {bytes} bytes{key}{dropped}")
}

/// The request as it goes over the wire; a terminal obeys nothing in it, and JSON stays the same JSON.
fn request(lines: &mut Lines, sent: &Sent) {
    let Some(goes) = &sent.goes else { return };
    let method = goes
        .method
        .map_or_else(|| "append to ".to_owned(), |word| format!("{word} "));
    let mut line = |text: &str| lines.push(&format!("{INDENT}{text}"));
    line(&format!("{method}{}", untrusted::log(&goes.to, 2_000)));
    for (name, value) in &goes.headers {
        line(&format!("{name}: {}", untrusted::log(value, 2_000)));
    }
    line("");
    for text in goes.body.lines() {
        line(&output::harmless(text));
    }
    if !sent.left_out.is_empty() {
        let names = shown::text(&sent.left_out.join(", "));
        line(&format!("(absent, so left out: {names})"));
    }
}
