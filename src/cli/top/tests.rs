//! Frames as a person sees them.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::frame::{block, fault, fit, lines, paint};
use super::look::Seen;

const URL: &str = "http://127.0.0.1:7373";

fn answer(received: u64, delivered: u64) -> Json {
    json!({
        "at": "2026-11-23T08:00:02.5Z",
        "no_room": null,
        "connections": [
            { "name": "registry", "connector": "mlflow", "signals": 2, "received": received, "stuck": 3, "last_error": null },
            { "name": "lineage", "connector": "feast", "signals": 1, "received": 7, "stuck": 0,
              "last_error": "poll: the answer has status 502" },
            { "name": "soc", "connector": "splunk", "signals": 0, "received": 0, "stuck": 0, "last_error": null,
              "delivery": { "waiting": 12_345, "oldest_since": "2026-11-23T07:58:00Z", "dead_letters": 2, "delivered": delivered,
                            "last_error": "status 503: \u{1b}[2J\u{202e}busy", "stopped": null, "paused_until": "2026-11-23T08:01:00Z", "halted_since": null } },
            { "name": "oncall-模型", "connector": "pagerduty", "signals": 0, "received": 0, "stuck": 0, "last_error": null,
              "delivery": { "waiting": 1, "oldest_since": "2026-11-23T07:00:00Z", "dead_letters": 0, "delivered": 9,
                            "last_error": null, "stopped": "status 403", "paused_until": null, "halted_since": "2026-11-23T07:00:00Z" } },
        ],
    })
}

fn seen() -> Seen {
    let before = answer(1_000, 50);
    Seen::new(Some((&before, Duration::from_secs(2))), &answer(5_000, 75))
}

/// What a terminal would show, with `$` at each line's end.
fn screen(size: (usize, usize)) -> String {
    let drawn = paint(&lines(&seen(), URL), size, false);
    let drawn = drawn.strip_prefix("\x1b[H").unwrap();
    let drawn = drawn.strip_suffix("\x1b[J").unwrap();
    assert!(!drawn.replace("\x1b[K", "").contains('\x1b'), "{drawn:?}");
    let drawn = drawn.replace("\x1b[K", "").replace("\r\n", "$\n");
    drawn + "$"
}

#[test]
fn a_wide_terminal_shows_all_of_it() {
    insta::assert_snapshot!(screen((132, 24)), @r"
    2026-11-23T08:00:02Z  http://127.0.0.1:7373  4 connections$
    CONNECTION   STATE    SIGNALS/S  STUCK  DELIVERED/S  WAITING  OLDEST  DEAD  LAST ERROR$
    registry     ok           2,000      3$
    lineage      failing        0.0                                             poll: the answer has status 502$
    soc          paused                            12.5   12,345      2m     2  status 503: \u{1b}[2J\u{202e}busy$
    oncall-模型  stopped                            0.0        1     60m     0  status 403$
    ");
}

#[test]
fn a_small_terminal_shows_what_fits() {
    insta::assert_snapshot!(screen((40, 4)), @r"
    2026-11-23T08:00:02Z  http://127.0.0.1:…$
    CONNECTION   STATE    SIGNALS/S  STUCK …$
    registry     ok           2,000      3$
    and 3 more$
    ");
}

#[test]
fn off_a_terminal_lines_are_whole() {
    insta::assert_snapshot!(block(&lines(&seen(), URL)), @r"
    2026-11-23T08:00:02Z  http://127.0.0.1:7373  4 connections
    CONNECTION   STATE    SIGNALS/S  STUCK  DELIVERED/S  WAITING  OLDEST  DEAD  LAST ERROR
    registry     ok           2,000      3
    lineage      failing        0.0                                             poll: the answer has status 502
    soc          paused                            12.5   12,345      2m     2  status 503: \u{1b}[2J\u{202e}busy
    oncall-模型  stopped                            0.0        1     60m     0  status 403
    ");
}

#[test]
fn colors_say_who_is_in_trouble() {
    let drawn = paint(&lines(&seen(), URL), (20, 24), true);
    for (start, tone) in [
        ("CONNECTION", "1"),
        ("oncall", "31"),
        ("lineage", "33"),
        ("soc", "33"),
    ] {
        assert!(
            drawn.contains(&format!("\x1b[K\x1b[{tone}m{start}")),
            "{drawn:?}"
        );
    }
    assert!(drawn.contains("\x1b[Kregistry"), "{drawn:?}");
}

#[test]
fn a_store_without_room_is_said_first() {
    let mut full = answer(0, 0);
    full["no_room"] =
        json!("the store has no room: its disk is nearly full; free some space there");
    let shown = block(&lines(&Seen::new(None, &full), URL));
    assert_eq!(
        shown.lines().nth(1),
        Some(
            "signals are refused: the store has no room: its disk is nearly full; free some space there"
        )
    );
}

#[test]
fn a_daemon_that_was_started_again_has_no_rate_for_one_look() {
    let (before, now) = (answer(9_000, 75), answer(10, 80));
    let seen = Seen::new(Some((&before, Duration::from_secs(1))), &now);
    let rates: Vec<_> = seen
        .rows
        .iter()
        .map(|row| (row.signals, row.delivered))
        .collect();
    assert_eq!(rates[0], (None, None));
    assert_eq!(rates[2], (None, Some(50)));
}

#[test]
fn a_script_gets_one_line_of_numbers() {
    let line = crate::cli::output::json_line(&seen().to_json());
    assert!(!line.contains('\n'));
    let json: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(json["connections"][0]["signals_per_second"], 2_000.0);
    assert_eq!(json["connections"][2]["delivered_per_second"], 12.5);
    assert_eq!(json["connections"][2]["oldest_seconds"], 122);
    assert!(json["connections"][0]["waiting"].is_null());
}

#[test]
fn a_fault_is_shown_in_place() {
    let drawn = paint(&fault("nothing answers \u{1b}[2J", URL), (80, 24), false);
    assert_eq!(
        drawn,
        "\x1b[H\x1b[Khttp://127.0.0.1:7373\r\n\x1b[Knothing answers \\u{1b}[2J\x1b[J"
    );
}

#[test]
fn a_line_is_cut_by_what_the_terminal_shows() {
    for (text, columns, shown) in [
        ("soc", 3, "soc"),
        ("splunk", 4, "spl…"),
        ("模型监控", 8, "模型监控"),
        ("模型监控", 7, "模型监…"),
        ("模型监控", 6, "模型…"),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ] {
        assert_eq!(fit(text, columns), shown, "{text} in {columns}");
    }
}
