//! `andon actions`: what was done to models, and asking for more.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::api::Api;
use super::shown::{self, Asked, Things, Told};
use super::{Ended, Where, output};
use crate::clock::Clock;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The newest first
    List {
        /// Only those in this state
        #[arg(long)]
        state: Option<String>,
        /// How many; 50 without it
        #[arg(long)]
        limit: Option<u32>,
    },
    /// One of them, with every call that it made
    Show {
        /// Its id, `act_…`
        id: String,
    },
    /// Ask for one
    Request(Wanted),
    /// Withdraw one before it applied anything
    Cancel {
        /// Its id, `act_…`
        id: String,
    },
    /// Undo one
    Revert {
        /// Its id, `act_…`
        id: String,
        /// How many seconds to wait for its end
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u64,
    },
}

/// An action to ask for.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Such as `mlflow/move-alias`
    #[arg(value_name = "CONNECTOR/VERB")]
    action: String,
    /// The connection; needed where several fit
    #[arg(long)]
    at: Option<String>,
    /// Its arguments as texts; `k:=v` for a value that is JSON
    #[arg(long, value_name = "K=V", num_args = 1..)]
    with: Vec<String>,
    /// The alert that it answers
    #[arg(long)]
    alert: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// After how long it undoes itself, such as 1h
    #[arg(long)]
    ttl: Option<String>,
    /// Only show the calls that it would make
    #[arg(long)]
    dry_run: bool,
    /// How many seconds to wait for its end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Asking twice with the same key is asking once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

const ACTIONS: Things = Things {
    path: "/v1/actions",
    key: "actions",
    none: "no actions",
    columns: &[
        ("id", "/action_id", Told::Cell),
        ("action", "/action", Told::Cell),
        ("at", "/at", Told::Cell),
        ("state", "/state", Told::Cell),
        ("effect", "/effect", Told::Cell),
        ("asked", "/requested_at", Told::Since),
        ("until", "/until", Told::Since),
        ("by", "/by", Told::Cell),
    ],
    facts: &[
        ("action", "/action_id", Told::Cell),
        ("what", "/action", Told::Cell),
        ("at", "/at", Told::Cell),
        ("with", "/with", Told::Cell),
        ("state", "/state", Told::Cell),
        ("effect", "/effect", Told::Cell),
        ("changed", "/changed", Told::Cell),
        ("message", "/message", Told::Cell),
        ("before", "/before", Told::Cell),
        ("after", "/after", Told::Cell),
        ("alert", "/alert", Told::Cell),
        ("by", "/by", Told::Cell),
        ("reason", "/reason", Told::Cell),
        ("asked", "/requested_at", Told::Moment),
        ("proven", "/proven_at", Told::Moment),
        ("until", "/until", Told::Moment),
    ],
    below: calls,
};

/// Does it.
pub(crate) fn run(typed: Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let what = typed.what.unwrap_or(What::List {
        state: None,
        limit: None,
    });
    let body = match &what {
        What::Request(wanted) => Some(body(wanted)?),
        _ => None,
    };
    let api = Api::open(at)?;
    let json = match what {
        What::List { state, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            return ACTIONS.list(&api, typed.format, &[("state", state), ("limit", limit)]);
        }
        What::Show { id } => return ACTIONS.show(&api, typed.format, &id),
        What::Request(wanted) => {
            let wait = Duration::from_secs(wanted.wait);
            api.post(ACTIONS.path, body.unwrap_or_default(), wait)?.json
        }
        What::Cancel { id } => {
            let path = ACTIONS.place(&id, "/cancel")?;
            api.post(&path, Map::new(), Duration::ZERO)?.json
        }
        What::Revert { id, wait } => {
            let mut body = Map::new();
            if wait > 0 {
                body.insert("wait_seconds".to_owned(), wait.into());
            }
            let path = ACTIONS.place(&id, "/revert")?;
            api.post(&path, body, Duration::from_secs(wait))?.json
        }
    };
    let now = Clock::system().now();
    output::answer(typed.format, &json, |json| {
        if json.get("dry_run") == Some(&Json::Bool(true)) {
            plan(json)
        } else {
            ACTIONS.one(json, now)
        }
    });
    Ok(Ended::Fine)
}

/// The body of a request.
fn body(wanted: &Wanted) -> anyhow::Result<Map<String, Json>> {
    let mut body = Map::new();
    body.insert("action".to_owned(), wanted.action.as_str().into());
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(Json::from);
    put("at", text(&wanted.at));
    let mut with = Map::new();
    for argument in &wanted.with {
        let (name, value) = argument_of(argument)?;
        if with.insert(name.clone(), value).is_some() {
            bail!("`{}` is given twice", shown::text(&name));
        }
    }
    put("with", (!with.is_empty()).then_some(Json::Object(with)));
    put("alert", text(&wanted.alert));
    put("reason", text(&wanted.reason));
    put("idempotency_key", text(&wanted.key));
    if let Some(ttl) = &wanted.ttl {
        let ttl = crate::yaml::duration(ttl).with_context(|| {
            format!(
                "`{}` is no span of time; write such as 30m or 1h",
                shown::text(ttl)
            )
        })?;
        put("ttl_seconds", Some(ttl.as_secs().into()));
    }
    put(
        "wait_seconds",
        (wanted.wait > 0).then(|| wanted.wait.into()),
    );
    put("dry_run", wanted.dry_run.then_some(Json::Bool(true)));
    Ok(body)
}

/// `name=text`, or `name:=json`. Versions and ids look like numbers and are texts, so nothing but `:=`
/// makes a number.
fn argument_of(typed: &str) -> anyhow::Result<(String, Json)> {
    let Some((name, value)) = typed.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        bail!(
            "`{}` is no argument; write `--with name=value`, or `name:=json` for what is no text",
            shown::text(typed)
        );
    };
    match name.strip_suffix(':') {
        None => Ok((name.to_owned(), value.into())),
        Some(name) => {
            let value = serde_json::from_str(value)
                .with_context(|| format!("the value of `{}` is no JSON", shown::text(name)))?;
            Ok((name.to_owned(), value))
        }
    }
}

/// Every call that it made.
fn calls(json: &Json) -> String {
    let columns = [
        ("at", "/at", Told::Cell),
        ("phase", "/phase", Told::Cell),
        ("method", "/method", Told::Cell),
        ("url", "/url", Told::Cell),
        ("status", "/status", Told::Cell),
        ("verdict", "/verdict", Told::Cell),
        ("ms", "/took_ms", Told::Cell),
    ];
    let calls = json.get("calls").unwrap_or(&Json::Null);
    let table = shown::rows(calls, &columns, Timestamp::UNIX_EPOCH);
    if table.is_empty() {
        return table;
    }
    format!("\n{table}")
}

/// What a dry run says: each call it would make, and each that undoing would.
fn plan(json: &Json) -> String {
    let mut out = if json.get("already") == Some(&Json::Bool(true)) {
        "nothing was done, and nothing would be: it is so already\n".to_owned()
    } else {
        "nothing was done; these calls would be made\n".to_owned()
    };
    let mut rows = Vec::new();
    for (part, pointer) in [("do", "/requests"), ("undo", "/undo")] {
        let planned = json.pointer(pointer).and_then(Json::as_array);
        rows.extend(planned.into_iter().flatten().map(|planned| {
            let url = shown::first_of(planned, &["/request/url", "/open"]);
            vec![
                part.to_owned(),
                shown::cell(planned, "/request/method"),
                url,
                shown::cell(planned, "/request/body"),
            ]
        }));
    }
    if !rows.is_empty() {
        out.push_str(&shown::table(&["part", "method", "url", "body"], &rows));
    }
    out.push_str(&shown::facts(&[
        ("before", shown::cell(json, "/kept")),
        ("limits", shown::cell(json, "/limits")),
        ("plan", shown::cell(json, "/hash")),
    ]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-23T08:05:00Z".parse().unwrap()
    }

    #[test]
    fn an_argument_is_a_text_unless_it_is_said_to_be_json() {
        for (typed, name, value) in [
            ("version=1", "version", json!("1")),
            ("alias=", "alias", json!("")),
            ("a=b=c", "a", json!("b=c")),
            ("count:=2", "count", json!(2)),
            ("tags:=[\"x\"]", "tags", json!(["x"])),
        ] {
            assert_eq!(
                argument_of(typed).unwrap(),
                (name.to_owned(), value),
                "{typed}"
            );
        }
        assert_eq!(
            argument_of("version").unwrap_err().to_string(),
            "`version` is no argument; write `--with name=value`, or `name:=json` for what is no text"
        );
        assert!(argument_of("=x").is_err());
        assert!(argument_of("n:={").is_err());
    }

    fn wanted() -> Wanted {
        Wanted {
            action: "mlflow/move-alias".to_owned(),
            at: Some("registry".to_owned()),
            with: vec!["model=fraud".to_owned(), "version=1".to_owned()],
            alert: None,
            reason: None,
            ttl: Some("1h".to_owned()),
            dry_run: false,
            wait: 30,
            key: None,
        }
    }

    #[test]
    fn a_request_holds_what_was_typed_and_nothing_else() {
        assert_eq!(
            Json::Object(body(&wanted()).unwrap()),
            json!({
                "action": "mlflow/move-alias", "at": "registry",
                "with": { "model": "fraud", "version": "1" },
                "ttl_seconds": 3_600, "wait_seconds": 30,
            })
        );
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_before_anything_is_sent() {
        let mut twice = wanted();
        twice.with.push("model=other".to_owned());
        assert_eq!(
            body(&twice).unwrap_err().to_string(),
            "`model` is given twice"
        );
        let mut never = wanted();
        never.ttl = Some("soon".to_owned());
        assert_eq!(
            body(&never).unwrap_err().to_string(),
            "`soon` is no span of time; write such as 30m or 1h"
        );
    }

    #[test]
    fn a_dry_run_shows_what_would_be_sent_and_how_it_would_be_undone() {
        let json = json!({ "dry_run": true, "already": false, "kept": { "version_before": "2" }, "hash": "ab",
            "requests": [{ "step": 0, "request": { "method": "POST", "url": "https://mlflow.local/api", "body": { "version": "1" } }, "open": null }],
            "undo": [{ "step": 0, "request": null, "open": "it depends on an answer" }] });
        insta::assert_snapshot!(plan(&json), @r#"
        nothing was done; these calls would be made
        PART  METHOD  URL                       BODY
        do    POST    https://mlflow.local/api  {"version":"1"}
        undo          it depends on an answer
        before  {"version_before":"2"}
        plan    ab
        "#);
    }

    #[test]
    fn an_action_is_shown_with_its_calls() {
        let json = json!({
            "action_id": "act_01jd3k9x8q2r0", "action": "mlflow/move-alias", "at": "registry",
            "state": "succeeded", "effect": "state_held", "changed": true, "message": "champion of fraud serves version 1",
            "with": { "model": "fraud" }, "before": { "version_before": "2" }, "after": {},
            "by": "local", "requested_at": "2026-11-23T08:00:00Z", "until": "2026-11-23T09:00:00Z", "reason": null,
            "calls": [{ "phase": "do", "step": 0, "method": "POST", "url": "https://mlflow.local/api", "status": 200, "verdict": "done", "at": "2026-11-23T08:00:01Z", "took_ms": 12 }],
        });
        insta::assert_snapshot!(ACTIONS.one(&json, now()), @r#"
        action   act_01jd3k9x8q2r0
        what     mlflow/move-alias
        at       registry
        with     {"model":"fraud"}
        state    succeeded
        effect   state_held
        changed  true
        message  champion of fraud serves version 1
        before   {"version_before":"2"}
        after    {}
        by       local
        asked    2026-11-23T08:00:00Z (5m ago)
        until    2026-11-23T09:00:00Z (in 55m)

        AT                    PHASE  METHOD  URL                       STATUS  VERDICT  MS
        2026-11-23T08:00:01Z  do     POST    https://mlflow.local/api  200     done     12
        "#);
    }
}
