//! `andon.yaml` as tables: what is read of each part, and what is said to what is none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::{Config, Reach, Scope, parse};
use crate::alert::Alert;
use crate::connector::{self, Connector};
use crate::diag::{Faults, Source};
use crate::shape::Templates;

const SPLUNK: &str = "andon: connector/v1\nname: splunk\nabout: A log.\nsettings:\n  url: { is: url }\n  token: { is: secret }\n  size: { is: number, default: 5 }\n  mode: { is: text, optional: true, one_of: [fast, safe] }\ndeliver:\n  of: every\n  post: /e\n  event: =ocsf\n  answers: [ { delivered: otherwise } ]\n";
const HOOKS: &str =
    "andon: connector/v1\nname: hooks\nabout: Hooks.\nwebhook: { accepts: anyone }\n";

fn connectors() -> BTreeMap<String, Arc<Connector>> {
    [("splunk", SPLUNK), ("hooks", HOOKS)]
        .into_iter()
        .map(|(name, text)| {
            let source = Source::new("connector.yaml", text);
            let (files, texts) = (connector::Files::new(), Templates::new());
            let read = connector::parse(&source, name, &files, &texts, &mut Faults::new());
            (name.to_owned(), Arc::new(read.unwrap()))
        })
        .collect()
}

const SOC: &str = "connections:\n  soc: { connector: splunk, url: \"https://hec.example.com\", token: { env: T } }\n";

/// Reads a file; `Err` with a line for each fault.
fn read(more: &str) -> Result<Config, String> {
    let mut faults = Faults::new();
    let source = Source::new("andon.yaml", format!("andon: config/v1\n{more}"));
    let config = parse(&source, &connectors(), &BTreeSet::new(), &mut faults);
    let said = faults.into_sorted();
    let lines: Vec<String> = said
        .iter()
        .map(|fault| format!("{} {}", fault.code, fault.message))
        .collect();
    assert_eq!(config.is_none(), !lines.is_empty(), "{more}");
    config.ok_or_else(|| lines.join("\n"))
}

fn faults(more: &str) -> String {
    read(more).map_or_else(|faults| faults, |_| "sound".to_owned())
}

#[test]
fn others_reach_andon_where_it_listens_unless_the_file_says_where() {
    let tls = "tls: { cert: { file: a.crt }, key: { file: a.key } }\n";
    for (more, url) in [
        ("", "http://127.0.0.1:7373"),
        ("listen: 0.0.0.0:80\n", "http://0.0.0.0:80"),
        (tls, "https://127.0.0.1:7373"),
        (
            "public_url: https://andon.example.com/\n",
            "https://andon.example.com",
        ),
        (
            "public_url: https://soc.example.com/andon//\n",
            "https://soc.example.com/andon",
        ),
    ] {
        assert_eq!(read(more).unwrap().public_url, url, "{more}");
    }
    for text in [
        "andon.example.com",
        "ftp://andon.example.com",
        "https://andon.example.com/?a=b",
        "https://andon.example.com/#a",
        "https://ann:secret@andon.example.com",
        "https://ann@andon.example.com",
        "[]",
    ] {
        let found = faults(&format!("public_url: \"{text}\"\n"));
        assert!(found.starts_with("AND0603 "), "{text}: {found}");
        assert!(!found.contains("secret"), "{found}");
    }
}

#[test]
fn a_connection_reaches_the_public_internet_unless_it_says_further() {
    for (reach, wanted) in [
        ("", Reach::Public),
        (", reach: public", Reach::Public),
        (", reach: private", Reach::Private),
        (", reach: loopback", Reach::Loopback),
    ] {
        let read = read(&SOC.replace(" }\n", &format!("{reach} }}\n"))).unwrap();
        let soc = read.connection("soc").unwrap();
        assert_eq!(soc.reach, wanted, "{reach}");
        assert_eq!(
            soc.settings,
            json!({ "url": "https://hec.example.com", "size": 5 })
        );
    }
    assert!(Reach::Public < Reach::Private && Reach::Private < Reach::Loopback);
}

#[test]
fn what_a_connection_cannot_be_is_said() {
    for (connection, said) in [
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T }, reach: all }",
            "AND0126 `reach` cannot be `all`",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T }, reach: [] }",
            "AND0113 `reach` is a text, and this is a list",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: abc }",
            "AND0613 `token` is a secret, and secrets are never written here",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T, file: t } }",
            "AND0613 `token` is a secret, and secrets are never written here",
        ),
        (
            "{ connector: splunk, url: \"https://a\" }",
            "AND0611 `splunk` needs the setting `token`",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T }, size: big }",
            "AND0614 `size` has to be a number",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T }, mode: slow }",
            "AND0126 `mode` cannot be `slow`",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T }, timeout: 5 }",
            "AND0113 `timeout` is a span of time, and this is `5`",
        ),
        (
            "{ connector: splunk, url: \"https://a\", token: { env: T }, ca: ca.pem }",
            "AND0113 `ca` is a file",
        ),
        (
            "splunk",
            "AND0112 this does not say what it is connected to",
        ),
    ] {
        let more = format!("connections:\n  soc: {connection}\n");
        assert_eq!(faults(&more), said, "{connection}");
    }
    assert_eq!(
        faults("connections:\n  yes: { connector: hooks }\n")
            .lines()
            .last(),
        Some("AND0129 a connection cannot be called `yes`")
    );
    assert_eq!(
        faults("connections: [ soc ]\n"),
        "AND0113 `connections` is a map of names and values, and this is a list"
    );
    assert!(
        read("connections:\nroutes:\n").is_ok(),
        "nothing is written there yet"
    );
}

#[test]
fn an_open_connection_listens_on_loopback_alone() {
    let hooks = "connections: { hook: { connector: hooks } }\n";
    for (listen, is_sound) in [
        ("127.0.0.1:1", true),
        ("\"[::1]:1\"", true),
        ("0.0.0.0:1", false),
        ("10.0.0.1:1", false),
    ] {
        let found = faults(&format!("listen: {listen}\n{hooks}"));
        assert_eq!(found == "sound", is_sound, "{listen}: {found}");
    }
}

fn caller(more: &str) -> String {
    let digest = "AB".repeat(32);
    format!("callers:\n  - {{ name: soar, token: {{ hash: \"sha256:{digest}\" }}, {more} }}\n")
}

#[test]
fn a_caller_may_what_is_written_and_nothing_else() {
    let config = read(&caller(
        "may: [ \"alerts:read\", { action: mlflow/*, at: registry }, { action: kserve/stop } ]",
    ))
    .unwrap();
    let soar = &config.callers[0];
    assert_eq!(soar.token_hash, format!("sha256:{}", "ab".repeat(32)));
    assert_eq!(soar.until, None);
    for (scope, may) in [
        (Scope::AlertsRead, true),
        (Scope::AlertsWrite, false),
        (Scope::SignalsWrite, false),
        (Scope::ActionsApprove, false),
        (Scope::Admin, false),
    ] {
        assert_eq!(soar.may(&scope), may, "{scope}");
    }
    for (action, at, may) in [
        ("mlflow/move-alias", "registry", true),
        ("mlflow/move-alias", "other", false),
        ("mlflowx/move-alias", "registry", false),
        ("kserve/stop", "anywhere", true),
        ("kserve/start", "anywhere", false),
    ] {
        assert_eq!(soar.may_ask(action, at), may, "{action} at {at}");
    }
}

#[test]
fn a_token_ends_with_its_last_day() {
    for (until, end) in [
        ("2027-06-30", "2027-07-01T00:00:00Z"),
        ("2028-02-29", "2028-03-01T00:00:00Z"),
    ] {
        let config = read(&caller(&format!("may: [admin], until: {until}"))).unwrap();
        assert_eq!(config.callers[0].until, end.parse().ok(), "{until}");
        assert!(config.callers[0].may(&Scope::AlertsWrite));
        assert!(config.callers[0].may_ask("any/thing", "anywhere"));
    }
}

#[test]
fn what_no_caller_can_be_is_said() {
    let hash = format!("token: {{ hash: \"sha256:{}\" }}", "0".repeat(64));
    for (entry, said) in [
        (
            "{ name: soar, token: abc, may: [admin] }".to_owned(),
            "AND0630 a token is written as its digest, never as itself",
        ),
        (
            "{ name: soar, token: { hash: \"sha256:00\" }, may: [admin] }".to_owned(),
            "AND0630 a token is written as its digest, never as itself",
        ),
        (
            format!("{{ name: soar, {hash} }}"),
            "AND0112 a caller needs the key `may`",
        ),
        (
            format!("{{ name: soar, {hash}, may: admin }}"),
            "AND0113 `may` is a list, and this is `admin`",
        ),
        (
            format!("{{ name: soar, {hash}, may: [everything] }}"),
            "AND0631 `everything` is no scope",
        ),
        (
            format!("{{ name: soar, {hash}, may: [{{ at: registry }}] }}"),
            "AND0112 a scope needs the key `action`",
        ),
        (
            format!("{{ name: soar, {hash}, may: [admin], until: 2027-02-30 }}"),
            "AND0632 this is no date",
        ),
        (
            format!("{{ name: \"\", {hash}, may: [admin] }}"),
            "AND0113 `name` is a text that is not empty, and this is a text in quotes",
        ),
        (
            format!("{{ name: local, {hash}, may: [admin] }}"),
            "AND0634 the audit would take `local` for Andon itself",
        ),
        (
            format!("{{ name: ANDON, {hash}, may: [admin] }}"),
            "AND0634 the audit would take `ANDON` for Andon itself",
        ),
    ] {
        assert_eq!(faults(&format!("callers:\n  - {entry}\n")), said, "{entry}");
    }
    let twice = format!(
        "{}  - {{ name: soar, {hash}, may: [] }}\n",
        caller("may: []")
    );
    assert_eq!(faults(&twice), "AND0130 there are two callers `soar`");
    assert_eq!(
        faults("callers: { name: soar }\n"),
        "AND0113 `callers` is a list, and this is a map"
    );
}

fn alert(severity: &str) -> Alert {
    let at = "2026-11-23T08:00:00Z";
    serde_json::from_value(json!({
        "id": "alt_0000000000001", "revision": 1, "state": "open", "mapping": "m", "key": "k", "kind": "y",
        "severity": severity, "title": "t", "at": at, "revised_at": at, "first_seen": at, "last_seen": at,
        "count": 1, "model": { "name": "loans" }, "fields": {}, "signal": "sig_0000000000001",
        "origin": { "connection": "c", "connector": "n", "host": "h" },
    }))
    .unwrap()
}

#[test]
fn a_route_takes_what_its_condition_holds_for() {
    for (when, takes) in [
        ("", [true, true]),
        ("    when: alert.severity >= high\n", [true, false]),
        ("    when: alert.model.?name == \"loans\"\n", [true, true]),
        ("    when: alert.kind in [\"x\"]\n", [false, false]),
    ] {
        let routes = format!("{SOC}routes:\n  - to: soc\n    repeat: 4h\n{when}");
        let config = read(&routes).unwrap();
        let route = &config.routes[0];
        assert_eq!(route.to, ["soc"]);
        assert_eq!(route.repeat.map(|span| span.as_secs()), Some(14_400));
        let found = [alert("critical"), alert("low")].map(|alert| route.takes(&alert));
        assert_eq!(found, takes, "{when}");
    }
    let broken = read(&format!(
        "{SOC}routes: [ {{ to: [soc], when: alert.model.?name > 1 }} ]\n"
    ));
    assert!(
        broken.unwrap().routes[0].takes(&alert("low")),
        "an alert too many is mended, one too few is not seen"
    );
}

#[test]
fn a_route_that_leads_nowhere_is_said() {
    for (route, said) in [
        ("{ to: [sock] }", "AND0530 there is no connection `sock`"),
        (
            "{ to: [hook] }",
            "AND0621 `hook` takes no alerts: `hooks` has no `deliver`",
        ),
        (
            "{ when: alert.count > 1 }",
            "AND0112 a route needs the key `to`",
        ),
        ("{ to: [] }", "AND0620 this route leads nowhere"),
        (
            "{ to: [soc], repeat: often }",
            "AND0113 `repeat` is a span of time, and this is `often`",
        ),
        (
            "{ to: [soc], when: signal.x == 1 }",
            "AND0202 nothing here is called `signal`",
        ),
    ] {
        let more = format!("{SOC}  hook: {{ connector: hooks }}\nroutes:\n  - {route}\n");
        assert_eq!(faults(&more), said, "{route}");
    }
    assert_eq!(
        faults(&format!("{SOC}routes: {{ to: [soc] }}\n")),
        "AND0113 `routes` is a list, and this is a map"
    );
}
