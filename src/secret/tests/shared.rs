//! Secrets that a request shows as they are: bearer, basic, a header, the URL.

use super::*;

#[test]
fn alertmanagers_bearer_and_basic_are_accepted() {
    let kept = Kept::new(&[
        ("token", "old\nfixture-token"),
        ("password", "fixture-pass"),
    ]);
    let now = "2026-11-23T09:02:40Z";
    let bearer = Recorded::read(include_str!("../testdata/bearer_resolved.http.json"));
    let basic = Recorded::read(include_str!(
        "../testdata/basic_auth_firing_single.http.json"
    ));
    let schemes = |user: &str| {
        let secret = "token".to_owned();
        let password = "password".to_owned();
        let user = Leaf::Text(user.to_owned());
        vec![Scheme::Bearer { secret }, Scheme::Basic { user, password }]
    };
    let accepted = |recorded: &Recorded, user| {
        kept.check_all(schemes(user), &recorded.at(now))
            .map(|accepted| accepted.scheme)
    };
    assert_eq!(accepted(&bearer, "am").unwrap(), 0);
    assert_eq!(accepted(&basic, "am").unwrap(), 1);
    assert!(matches!(
        accepted(&basic, "other"),
        Err(Refusal::WrongSecret { what: "password" })
    ));
}

#[test]
fn a_shared_header_and_a_url_token_are_compared_as_they_are() {
    let kept = Kept::new(&[("key", "s3cret"), ("hook", "in-the-url")]);
    let header = || Scheme::Header {
        name: "x-webhook-secret".to_owned(),
        secret: "key".to_owned(),
    };
    for (value, accepted) in [
        ("s3cret", true),
        ("S3CRET", false),
        ("s3cre", false),
        ("", false),
    ] {
        let recorded = Recorded::made(&[("x-webhook-secret", value)], "{}");
        let checked = kept.check(header(), &recorded.at("2026-11-23T08:00:00Z"));
        assert_eq!(checked.is_ok(), accepted, "{value:?}");
    }
    let recorded = Recorded::made(&[], "{}");
    let mut incoming = recorded.at("2026-11-23T08:00:00Z");
    let token = || Scheme::UrlToken {
        secret: "hook".to_owned(),
    };
    for (value, accepted) in [
        (Some("in-the-url"), true),
        (Some("x"), false),
        (None, false),
    ] {
        incoming.url_token = value;
        let checked = kept.check_all(vec![header(), token()], &incoming);
        assert_eq!(checked.is_ok(), accepted, "{value:?}");
    }
}
