//! What a sender that is being set up is told, and what the log says when nobody could be let in.

use super::*;

fn bearer_scheme() -> Scheme {
    let secret = "token".to_owned();
    Scheme::Bearer { secret }
}

fn basic_scheme(user: Leaf) -> Scheme {
    let password = "password".to_owned();
    Scheme::Basic { user, password }
}

fn url_token() -> Scheme {
    let secret = "hook".to_owned();
    Scheme::UrlToken { secret }
}

fn header(name: &str) -> Scheme {
    let (name, secret) = (name.to_owned(), "token".to_owned());
    Scheme::Header { name, secret }
}

fn body_signed() -> Scheme {
    Scheme::Signature(signature("x-sig", "", Encoding::Hex, "{body}"))
}

/// As Alertmanager's connector has them.
fn three_ways() -> Vec<Scheme> {
    let user = Leaf::Secret("user".to_owned());
    vec![bearer_scheme(), basic_scheme(user), url_token()]
}

#[test]
fn what_a_request_lacks_is_named_in_the_order_of_the_connector() {
    let mlflow = || vec![Scheme::Signature(mlflow())];
    let two_signatures = || vec![Scheme::Signature(super::mlflow()), body_signed()];
    let neither = "it has neither the header `authorization: Bearer …`, nor the header `authorization: Basic …`, nor the token at the end of the URL";
    let id = ("x-mlflow-delivery-id", "hostile");
    let time = ("x-mlflow-timestamp", "hostile");
    let signed = ("x-mlflow-signature", "hostile");
    let vague = "no signature in `x-mlflow-signature` is right";
    for (schemes, headers, said) in [
        (
            mlflow(),
            vec![],
            "it lacks the headers `x-mlflow-signature`, `x-mlflow-delivery-id` and `x-mlflow-timestamp`",
        ),
        (
            mlflow(),
            vec![id, time],
            "it lacks the header `x-mlflow-signature`",
        ),
        (
            mlflow(),
            vec![signed],
            "it lacks the headers `x-mlflow-delivery-id` and `x-mlflow-timestamp`",
        ),
        (mlflow(), vec![signed, id, time], vague),
        (
            two_signatures(),
            vec![id, time],
            "it has neither the header `x-mlflow-signature`, nor the header `x-sig`",
        ),
        // One way in has all that it asks for: what it is wrong in is not for the sender.
        (
            two_signatures(),
            vec![("x-sig", "hostile")],
            "no signature in `x-sig` is right",
        ),
        (
            vec![header("x-gitlab-token")],
            vec![],
            "it lacks the header `x-gitlab-token`",
        ),
        (
            vec![header("x-gitlab-token")],
            vec![("x-gitlab-token", "")],
            "the shared secret is wrong",
        ),
        (
            vec![url_token()],
            vec![],
            "it lacks the token at the end of the URL",
        ),
        (three_ways(), vec![], neither),
        (three_ways(), vec![("authorization", "hostile")], neither),
        (
            three_ways(),
            vec![("authorization", "Digest hostile")],
            neither,
        ),
        (
            three_ways(),
            vec![("authorization", "bearer hostile")],
            "the bearer token is wrong",
        ),
        (
            three_ways(),
            vec![("authorization", "Basic hostile")],
            "the password is wrong",
        ),
        (
            vec![bearer_scheme()],
            vec![("authorization", "Basic hostile")],
            "it lacks the header `authorization: Bearer …`",
        ),
        (
            vec![bearer_scheme()],
            vec![("authorization", "Bearer a"), ("authorization", "Bearer b")],
            "the header `authorization` is there more than once",
        ),
    ] {
        let recorded = Recorded::made(&headers, "hostile");
        let incoming = recorded.at("2026-11-23T08:00:00Z");
        let all = ["key", "token", "password", "user", "hook"].map(|name| (name, "s3cret"));
        let refusal = Kept::new(&all).check_all(schemes, &incoming).unwrap_err();
        assert_eq!(refusal.to_string(), said, "{headers:?}");
        assert!(!said.contains("hostile") && !said.contains("s3cret"));
        let named = matches!(refusal, Refusal::Lacking { .. });
        assert_eq!(named, said.starts_with("it "), "{said}");
    }
}

#[test]
fn what_a_request_lacks_is_the_same_whichever_secrets_are_given() {
    let headers = [("authorization", "Basic"), ("x-other", "1")];
    let recorded = Recorded::made(&headers, "{}");
    let incoming = recorded.at("2026-11-23T08:00:00Z");
    let schemes = || [three_ways(), vec![body_signed()]].concat();
    let mut said = std::collections::BTreeSet::new();
    for given in [
        vec![("token", "a")],
        vec![("token", "b")],
        vec![("user", "a"), ("password", "b")],
        vec![("hook", "a")],
        vec![("key", "a")],
        vec![("key", "a"), ("token", "b"), ("hook", "c")],
    ] {
        let refusal = Kept::new(&given).check_all(schemes(), &incoming);
        said.insert(refusal.unwrap_err().to_string());
    }
    assert_eq!(
        Vec::from_iter(said),
        [
            "it has neither the header `authorization: Bearer …`, nor the header `authorization: Basic …`, nor the token at the end of the URL, nor the header `x-sig`"
        ]
    );
}

#[test]
fn a_connection_without_any_secret_says_which_settings_it_waits_for() {
    let everything = [
        ("authorization", "Basic YTpi"),
        ("x-sig", "00"),
        ("x-gitlab-token", "a"),
    ];
    let text = || Leaf::Text("andon".to_owned());
    for (schemes, given, settings) in [
        (vec![body_signed()], vec![], Some("`key`")),
        (vec![body_signed()], vec![("key", "\n")], Some("`key`")),
        (vec![body_signed()], vec![("key", "a")], None),
        (
            three_ways(),
            vec![],
            Some("`token`, or `user` and `password`, or `hook`"),
        ),
        (
            three_ways(),
            vec![("user", "a")],
            Some("`token`, or `password`, or `hook`"),
        ),
        (three_ways(), vec![("hook", "a")], None),
        (vec![basic_scheme(text())], vec![], Some("`password`")),
        (vec![header("x-gitlab-token")], vec![], Some("`token`")),
    ] {
        let kept = Kept::new(&given);
        // Whatever comes, the answer is the same.
        for headers in [&everything[..], &[]] {
            let recorded = Recorded::made(headers, "{}");
            let refusal = kept.check_all(schemes.clone(), &recorded.at("2026-11-23T08:00:00Z"));
            let said = match refusal.unwrap_err() {
                Refusal::NothingToCheckWith { settings } => Some(settings),
                _ => None,
            };
            assert_eq!(said.as_deref(), settings, "{given:?}");
        }
    }
    let recorded = Recorded::made(&[], "{}");
    let refusal = Kept::new(&[]).check_all(three_ways(), &recorded.at("2026-11-23T08:00:00Z"));
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "no push is let in until this connection is given `token`, or `user` and `password`, or `hook` (in andon.yaml, by a file or a variable that is not empty)"
    );
}

#[test]
fn a_way_in_that_is_shut_is_said_in_the_log_alone() {
    let recorded = Recorded::made(&[("x-sig", "00")], "{}");
    let schemes = vec![body_signed(), bearer_scheme()];
    let refusal =
        Kept::new(&[("token", "a")]).check_all(schemes, &recorded.at("2026-11-23T08:00:00Z"));
    let refusal = refusal.unwrap_err();
    assert!(matches!(refusal, Refusal::NotGiven { .. }), "{refusal:?}");
    assert_eq!(
        refusal.to_string(),
        "it comes in a way that is shut: this connection is not given `key`"
    );
}
