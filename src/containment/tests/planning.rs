use super::{house, move_alias};
use crate::containment::{Answer, Ask, Plan, ask};
use crate::store::ActionFilter;

async fn plan(house: &super::House, what: Ask) -> Plan {
    let asked = Ask {
        dry_run: true,
        ..what
    };
    match ask(&house.live, asked).await.unwrap() {
        Answer::Planned(plan) => plan,
        Answer::Taken { action, .. } => panic!("{action:?}"),
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_exact_requests_and_changes_nothing() {
    let house = house().await;
    let plan = plan(&house, move_alias("2")).await;
    assert_eq!(house.champion(), Some(3));
    let url = house.registry.url();
    let shown: Vec<String> = plan
        .requests
        .iter()
        .chain(&plan.undo)
        .map(|planned| {
            planned
                .request
                .as_ref()
                .unwrap()
                .to_string()
                .replace(url, "URL")
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n--\n"), @r#"
    POST URL/api/2.0/mlflow/registered-models/alias
    content-type: application/json

    {"name":"fraud","alias":"champion","version":"2"}
    --
    POST URL/api/2.0/mlflow/registered-models/alias
    content-type: application/json

    {"name":"fraud","alias":"champion","version":"3"}
    "#);
    assert!(!plan.already);
    assert_eq!(plan.reads.len(), 1);
    assert_eq!(plan.hash.len(), 64);
    let kept = house
        .live
        .store
        .read(|reader| reader.actions(&ActionFilter::default(), 10))
        .await
        .unwrap();
    assert!(kept.is_empty());
}

#[tokio::test]
async fn the_hash_of_a_plan_stands_for_what_it_was_made_of() {
    let house = house().await;
    let first = plan(&house, move_alias("2")).await.hash;
    assert_eq!(plan(&house, move_alias("2")).await.hash, first);
    house
        .registry
        .recorded()
        .set_alias("fraud", "champion", 1)
        .unwrap();
    assert_ne!(plan(&house, move_alias("2")).await.hash, first);
}

#[tokio::test]
async fn what_is_so_already_plans_nothing() {
    let house = house().await;
    let plan = plan(&house, move_alias("3")).await;
    assert!(plan.already && plan.requests.is_empty() && plan.undo.is_empty());
}
