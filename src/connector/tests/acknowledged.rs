//! `acknowledged:` as tables.

use std::time::Duration;

use serde_json::json;

use super::{faults, read};
use crate::shape::{Body, Leaf};

fn acknowledged(more: &str) -> String {
    format!(
        "  wait: {{ is: duration, default: 2m }}\ndeliver:\n  of: every\n  post: /events\n  event: =ocsf\n  answers: [ {{ delivered: otherwise }} ]\n  acknowledged: {{ {more} }}\n"
    )
}

const SOUND: &str = "post: /acks, id: =body.id, holds: \"body.acks[string(id)]\"";

#[test]
fn times_are_fixed_or_of_the_settings_and_never_before_it_was_asked() {
    for (more, settings, every, again) in [
        ("", json!({}), 10, 300),
        (", every: 3s, again_after: 90s", json!({}), 3, 90),
        (
            ", again_after: =settings.wait",
            json!({ "wait": "4m" }),
            10,
            240,
        ),
        (
            ", again_after: \"=duration(settings.wait) * 2\"",
            json!({ "wait": "4m" }),
            10,
            480,
        ),
        (
            ", again_after: =settings.wait",
            json!({ "wait": "soon" }),
            10,
            300,
        ),
        (
            ", again_after: =settings.wait",
            json!({ "wait": "0s" }),
            10,
            10,
        ),
        (", every: =settings.wait", json!({ "wait": "0s" }), 1, 300),
    ] {
        let read = read(&acknowledged(&format!("{SOUND}{more}"))).unwrap();
        let found = read.deliver.unwrap().acknowledged.unwrap();
        let times = (Duration::from_secs(every), Duration::from_secs(again));
        assert_eq!(found.times(&settings), times, "{more}");
    }
}

#[test]
fn it_is_used_where_the_settings_want_it_and_asks_for_many_at_once() {
    let more = format!(
        "{SOUND}, only_if: settings.?wait != null, channel: {{ header: X-Channel }}, body: {{ ids: =ids }}"
    );
    let read = read(&acknowledged(&more)).unwrap();
    let found = read.deliver.unwrap().acknowledged.unwrap();
    assert!(found.is_used(&json!({ "wait": "1m" })) && !found.is_used(&json!({})));
    assert_eq!(found.channel.as_deref(), Some("x-channel"));
    let request = found
        .request(&json!({}), &[json!(0), json!(7)], "url")
        .unwrap();
    assert_eq!((request.path.as_str(), request.headers.len()), ("/acks", 0));
    let Body::Json { value, .. } = request.content.unwrap().body else {
        panic!()
    };
    assert_eq!(value, json!({ "ids": [0, 7] }));
    assert!(
        !request
            .query
            .contains(&("ids".to_owned(), Leaf::Text("0".to_owned())))
    );
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    for (more, said) in [
        (
            "post: /acks, holds: body.ok",
            "AND0112 `acknowledged` needs the key `id`",
        ),
        (
            "post: /acks, id: =body.id",
            "AND0112 `acknowledged` needs the key `holds`",
        ),
        (
            "id: =body.id, holds: body.ok",
            "AND0820 this request has no method",
        ),
        (
            &format!("{SOUND}, channel: {{ header: \"x y\" }}"),
            "AND0822 `x y` is no name of a header",
        ),
        (
            &format!("{SOUND}, channel: x-channel"),
            "AND0113 `channel` is a map of keys and values, and this is a text",
        ),
        (
            &format!("{SOUND}, every: 100ms"),
            "AND0466 `every` is too short",
        ),
        (
            &format!("{SOUND}, again_after: long"),
            "AND0113 `again_after` is a span of time, and this is `long`",
        ),
        (
            &format!("{SOUND}, within: 5m"),
            "AND0111 `acknowledged` has no key `within`",
        ),
    ] {
        assert_eq!(faults(&acknowledged(more)), said, "{more}");
    }
}
