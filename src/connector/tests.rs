//! Manifests as tables: what is read of each form, and what is said to what is none.

mod acknowledged;
mod action;

use std::fmt::Write as _;

use super::{AnswerRule, Connector, Files, Scheme, Unread, parse};
use crate::diag::{Faults, Source};
use crate::expr::Expr;
use crate::shape::{Leaf, Templates};

/// Reads a manifest; `Err` with a line for each fault: its code, its line, its sentence.
fn read(more: &str) -> Result<Connector, String> {
    let text = format!(
        "andon: connector/v1\nname: acme\nabout: Acme.\nsettings:\n  url: {{ is: url }}\n  token: {{ is: secret }}\n  other: {{ is: secret }}\n{more}"
    );
    let mut faults = Faults::new();
    let source = Source::new("connector.yaml", text);
    let files = Files::new();
    let connector = parse(&source, "acme", &files, &Templates::new(), &mut faults);
    connector.ok_or_else(|| {
        let said = faults.into_sorted();
        let line = |fault: &crate::diag::Diagnostic| format!("{} {}", fault.code, fault.message);
        said.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

fn faults(more: &str) -> String {
    read(more).map_or_else(|faults| faults, |_| "sound".to_owned())
}

fn when(expr: Option<&Expr>) -> &str {
    expr.map_or("otherwise", Expr::source)
}

fn scheme(scheme: &Scheme) -> String {
    match scheme {
        Scheme::Anyone => "anyone".to_owned(),
        Scheme::Bearer { secret } => format!("bearer {secret}"),
        Scheme::UrlToken { secret } => format!("url_token {secret}"),
        Scheme::Header { name, secret } => format!("header {name} {secret}"),
        Scheme::Basic { user, password } => match user {
            Leaf::Text(user) => format!("basic {user} {password}"),
            Leaf::Secret(user) => format!("basic secret:{user} {password}"),
        },
        Scheme::Signature(it) => format!(
            "{:?} {} {:?} {} {:?} {:?} {} {:?} {:?}",
            it.algorithm,
            it.key,
            it.key_is,
            it.header,
            it.prefix,
            it.encoding,
            it.signs.parts.len(),
            it.sent_at,
            it.within
        ),
    }
}

#[test]
fn each_way_in_is_read_and_tried_in_its_order() {
    for (webhook, ways) in [
        ("accepts: anyone", "anyone"),
        ("accepts: [ { bearer: token } ]", "bearer token"),
        (
            "accepts: [ { url_token: other }, { bearer: token } ]",
            "url_token other, bearer token",
        ),
        (
            "accepts: [ { basic: { user: ann, password: token } } ]",
            "basic ann token",
        ),
        (
            "accepts: [ { basic: { user: other, password: token } } ]",
            "basic secret:other token",
        ),
        (
            "accepts: [ { header: X-Key, secret: token }, { header: header.X-Old, secret: other } ]",
            "header x-key token, header x-old other",
        ),
        (
            "accepts: [ { signature: { scheme: hmac-sha1, key: token, header: X-Sig } } ]",
            "HmacSha1 token Text x-sig \"\" Hex 1 None 300s",
        ),
        (
            "signature: { scheme: hmac-sha512, key: token, key_is: base64, header: X-Sig, prefix: \"v1,\", encoding: base64, signs: \"{header.x-t}.{body}\", sent_at: header.X-T, within: 1m }",
            "HmacSha512 token Base64 x-sig \"v1,\" Base64 3 Some(Header(\"x-t\")) 60s",
        ),
    ] {
        let read = read(&format!("webhook: {{ {webhook} }}\n")).unwrap();
        let schemes = read.webhook.unwrap().accepts.schemes;
        let found: Vec<String> = schemes.iter().map(scheme).collect();
        assert_eq!(found.join(", "), ways, "{webhook}");
    }
}

#[test]
fn a_push_that_cannot_be_read_is_refused_unless_the_connector_keeps_it() {
    for (said, unreadable) in [
        ("", Unread::Refuse),
        (", unreadable: refuse", Unread::Refuse),
        (", unreadable: keep", Unread::Keep),
    ] {
        let read = read(&format!("webhook: {{ accepts: anyone{said} }}\n")).unwrap();
        assert_eq!(read.webhook.unwrap().unreadable, unreadable, "{said}");
    }
}

#[test]
fn what_lets_nobody_in_is_said() {
    let signature = "scheme: hmac-sha256, key: token, header: x-sig";
    for (webhook, said) in [
        ("unmatched: keep", "AND0413 this lets nobody in"),
        (
            "accepts: anyone, unmatched: drop",
            "AND0126 `unmatched` cannot be `drop`",
        ),
        (
            "accepts: anyone, unreadable: count",
            "AND0126 `unreadable` cannot be `count`",
        ),
        (
            "accepts: anyone, unreadable: [keep]",
            "AND0113 `unreadable` is a text, and this is a list",
        ),
        (
            "accepts: anyone, unread: keep",
            "AND0111 `webhook` has no key `unread`",
        ),
        (
            "accepts: nobody",
            "AND0113 `accepts` is a list, and this is a text",
        ),
        ("accepts: [ { } ]", "AND0413 this lets nobody in"),
        (
            "accepts: [ { bearer: url } ]",
            "AND0801 `url` is not a secret of this connector",
        ),
        (
            "accepts: [ { bearer: token, url_token: other } ]",
            "AND0410 `bearer` and `url_token` are two ways in",
        ),
        (
            "accepts: [ { barer: token } ]",
            "AND0413 this lets nobody in\nAND0111 a way in has no key `barer`",
        ),
        (
            "accepts: [ { header: x-key } ]",
            "AND0112 a way in needs the key `secret`",
        ),
        (
            "accepts: [ { header: \"x key\", secret: token } ]",
            "AND0822 `x key` is no name of a header",
        ),
        (
            "accepts: [ { basic: { user: ann } } ]",
            "AND0112 `basic` needs the key `password`",
        ),
        (
            &format!("accepts: anyone, signature: {{ {signature} }}"),
            "AND0410 `signature:` is short for `accepts:` with one entry, and both are here",
        ),
        (
            "signature: { scheme: md5, key: token, header: x-sig }",
            "AND0126 `scheme` cannot be `md5`",
        ),
        (
            "signature: { header: x-sig }",
            "AND0112 `signature` needs the key `scheme`\nAND0112 `signature` needs the key `key`",
        ),
        (
            &format!("signature: {{ {signature}, encoding: base32 }}"),
            "AND0126 `encoding` cannot be `base32`",
        ),
        (
            &format!("signature: {{ {signature}, signs: \"{{header.x-t}}\" }}"),
            "AND0412 this cannot be signed: the body is not signed: `{body}` is missing",
        ),
        (
            &format!("signature: {{ {signature}, sent_at: header.x-t }}"),
            "AND0415 this time is not signed, so whoever repeats a request could change it",
        ),
        (
            &format!("signature: {{ {signature}, sent_at: yesterday }}"),
            "AND0412 the time of signing stands in no such place",
        ),
        (
            &format!("signature: {{ {signature}, within: long }}"),
            "AND0113 `within` is a span of time, and this is `long`",
        ),
    ] {
        assert_eq!(
            faults(&format!("webhook: {{ {webhook} }}\n")),
            said,
            "{webhook}"
        );
    }
}

fn deliver(answers: &str) -> String {
    format!("deliver:\n  of: every\n  post: /events\n  event: =ocsf\n  answers:\n{answers}")
}

fn told(rules: &[AnswerRule]) -> String {
    let mut out = String::new();
    for rule in rules {
        let verdict = rule.verdict.map_or("each", super::Verdict::as_str);
        let _ = write!(out, "{verdict} if {}", when(rule.when.as_ref()));
        if let Some(slow) = &rule.slow_down {
            let _ = write!(out, ", slow if {}", slow.source());
        }
        if let Some(bad) = &rule.bad {
            let _ = write!(out, ", bad is {}", bad.source());
        }
        if let Some(wait) = rule.wait {
            let _ = write!(out, ", for {wait:?}");
        }
        if let Some((list, inner)) = &rule.each {
            let _ = write!(out, " of {} [{}]", list.source(), told(inner));
        }
        out.push_str("; ");
    }
    out.trim_end_matches("; ").to_owned()
}

#[test]
fn each_answer_of_a_destination_is_read_in_its_order() {
    for (answers, wanted) in [
        ("    - delivered: otherwise\n", "delivered if otherwise"),
        (
            "    - delivered: status == 200\n      slow_down: body.busy\n    - split: status == 413\n    - split: status == 400\n      bad: =body.at - 1\n    - pause: status == 403\n      for: 10m\n    - renew: status == 401\n    - retry: status >= 500\n      for: 30s\n    - stop: status == 404\n    - refuse: otherwise\n",
            "delivered if status == 200, slow if body.busy; split if status == 413; \
             split if status == 400, bad is body.at - 1; pause if status == 403, for 600s; \
             renew if status == 401; retry if status >= 500, for 30s; stop if status == 404; refuse if otherwise",
        ),
        (
            "    - when: status == 200\n      each: =body.items\n      answers:\n        - delivered: item.status == 201\n        - refuse: otherwise\n    - retry: otherwise\n",
            "each if status == 200 of body.items [delivered if item.status == 201; refuse if otherwise]; retry if otherwise",
        ),
    ] {
        let read = read(&deliver(answers)).unwrap();
        assert_eq!(told(&read.deliver.unwrap().answers), wanted);
    }
}

#[test]
fn answers_of_a_destination_that_decide_nothing_are_said() {
    let each = "    - when: status == 200\n      each: =body.items\n";
    for (answers, said) in [
        (
            "    []\n",
            "AND0113 `answers` is a list of cases, and this is a list",
        ),
        (
            "    delivered: otherwise\n",
            "AND0113 `answers` is a list of cases, and this is a map",
        ),
        (
            "    - delivered: status == 200\n",
            "AND0128 some answers mean nothing here",
        ),
        (
            "    - refuse: otherwise\n    - retry: status == 500\n",
            "AND0127 what stands below `otherwise` is never reached",
        ),
        (
            "    - gone: otherwise\n",
            "AND0111 an answer has no key `gone`\nAND0440 each line has one verdict",
        ),
        (
            "    - retry: status == 500\n      refuse: otherwise\n",
            "AND0440 each line has one verdict",
        ),
        (
            "    - refuse: otherwise\n      when: status == 500\n",
            "AND0440 each line has one verdict",
        ),
        (
            "    - refuse: otherwise\n      for: 1m\n",
            "AND0460 `for` says nothing beside this verdict",
        ),
        (
            "    - refuse: otherwise\n      bad: =body.at\n",
            "AND0460 `bad` says nothing beside this verdict",
        ),
        (
            "    - pause: otherwise\n      for: long\n",
            "AND0113 `for` is a span of time, and this is `long`",
        ),
        (
            &format!("{each}    - retry: otherwise\n"),
            "AND0440 each line has one verdict",
        ),
        (
            &format!("{each}      answers: [ {{ delivered: item.ok }} ]\n    - retry: otherwise\n"),
            "AND0128 some answers mean nothing here",
        ),
        (
            &format!(
                "{each}      answers: [ {{ split: otherwise, bad: =item.at }} ]\n    - retry: otherwise\n"
            ),
            "AND0111 an answer has no key `bad`",
        ),
        (
            &format!(
                "{each}      answers: [ {{ refuse: otherwise }} ]\n      slow_down: body.busy\n    - retry: otherwise\n"
            ),
            "AND0460 `slow_down` says nothing beside this verdict",
        ),
    ] {
        assert_eq!(faults(&deliver(answers)), said, "{answers}");
    }
}
