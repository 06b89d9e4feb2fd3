use std::time::Duration;

use serde_json::json;

use super::{house, map, move_alias};
use crate::action::State;
use crate::containment::{Answer, Ask, ask, cancel, describe, wait};

#[tokio::test]
async fn what_cannot_be_taken_says_why_in_one_line() {
    let house = house().await;
    let with = |with| Ask {
        with: map(with),
        ..move_alias("2")
    };
    let asks = [
        Ask {
            action: "mlflow/move-alais".to_owned(),
            ..move_alias("2")
        },
        Ask {
            at: Some("elsewhere".to_owned()),
            ..move_alias("2")
        },
        with(json!({ "model": "fraud", "version": 2 })),
        with(json!({ "modl": "fraud", "alias": true })),
        Ask {
            ttl_seconds: Some(0),
            ..move_alias("2")
        },
    ];
    let mut said = Vec::new();
    for ask in asks {
        let refused = house.refused(ask).await;
        said.push(format!("{} {refused}", refused.status()));
    }
    insta::assert_debug_snapshot!(said, @r#"
    [
        "404 `action`: there is no action `mlflow/move-alais`; did you mean `mlflow/move-alias`?",
        "400 `at`: `elsewhere` is no connection of `mlflow`; write one of registry",
        "400 `version`: a text is needed, and this is a number; write it as text: \"2\"",
        "400 `modl` is no argument of it: did you mean `model`?; `model` is missing; `alias`: a text is needed, and this is a truth value; `version` is missing",
        "400 `ttl_seconds`: at least 1 is needed; leave it out for no limit",
    ]
    "#);
}

#[tokio::test]
async fn asking_twice_under_one_key_is_asking_once() {
    let house = house().await;
    let keyed = |version| Ask {
        idempotency_key: Some("k1".to_owned()),
        ..move_alias(version)
    };
    let first = house.take(keyed("2")).await;
    let again = ask(&house.live, keyed("2")).await.unwrap();
    assert!(matches!(again, Answer::Taken { action, replayed: true } if action.id == first.id));
    assert_eq!(house.refused(keyed("1")).await.status(), 422);
    let other = house
        .take(Ask {
            by: "another".to_owned(),
            ..keyed("1")
        })
        .await;
    assert_ne!(other.id, first.id);
}

#[tokio::test]
async fn a_withdrawn_action_never_runs_and_one_that_ran_is_not_withdrawn() {
    let house = house().await;
    let taken = house.take(move_alias("2")).await;
    let cancelled = cancel(&house.live, taken.id, "analyst").await.unwrap();
    assert_eq!(cancelled.state, State::Cancelled);
    assert!(!house.worker().turn().await);
    assert_eq!(house.champion(), Some(3));
    let done = house.run(move_alias("2")).await;
    let refused = cancel(&house.live, done.id, "analyst").await.unwrap_err();
    assert_eq!(refused.status(), 409);
    assert!(refused.to_string().contains("revert it instead"));
}

#[tokio::test]
async fn somebody_who_waits_hears_of_the_end_at_once() {
    let house = house().await;
    let taken = house.take(move_alias("2")).await;
    let still = wait(&house.live, taken.id, Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    assert!(still.is_open());
    crate::containment::start(&house.live);
    let done = wait(&house.live, taken.id, Duration::from_secs(20))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(done.state, State::Succeeded, "{}", done.message);
    house.live.stop.cancel();
    house.live.tasks.close();
    house.live.tasks.wait().await;
}

#[tokio::test]
async fn the_catalog_says_what_an_action_takes() {
    let house = house().await;
    let snapshot = house.live.snapshot();
    let (connector, rule) = snapshot.catalog.action("mlflow/move-alias").unwrap();
    let shown = serde_json::to_string_pretty(&describe(rule, connector)).unwrap();
    insta::assert_snapshot!(shown, @r#"
    {
      "name": "mlflow/move-alias",
      "connector": "mlflow",
      "class": "contain",
      "risk": "high",
      "about": "Point a model's alias at another version. The usual way to roll back.",
      "takes": {
        "type": "object",
        "properties": {
          "model": {
            "type": "string"
          },
          "alias": {
            "type": "string",
            "default": "champion"
          },
          "version": {
            "type": "string",
            "description": "The version to serve instead"
          }
        },
        "required": [
          "model",
          "version"
        ],
        "additionalProperties": false
      },
      "limits": {
        "reversible": true,
        "advisory": false,
        "cluster_wide": false,
        "restart_safe": true,
        "bypass": [
          "a process that loaded the alias earlier keeps its version",
          "a deployment that names a version and not the alias"
        ],
        "takes_hold_seconds": null
      },
      "undo": true,
      "hold_seconds": 60.0
    }
    "#);
}
