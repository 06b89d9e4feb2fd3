//! What expressions give: one row a fact.

use serde_json::json;

use super::shown;

#[test]
fn smoke() {
    let data = json!({"a": {"b": 1, "c": null, "l": [1, 2, 3], "t": "héllo", "h-y": 2}, "now": "2026-01-01T00:00:00Z"});
    for text in [
        "1 + 2 * 3",
        "a.b",
        "a.x",
        "a.?x",
        "a.?x.y == null",
        "a[\"h-y\"]",
        "a.l[1]",
        "a.l[9]",
        "a.l[?9]",
        "a.l.exists(x, x > 2)",
        "a.l.filter(x, x > 1)",
        "a.l.map(x, x * 2)",
        "size(a.t)",
        "a.t >= 3",
        "a.b >= \"x\" || true",
        "1 / 0 == 1 || true",
        "duration(\"1h30m\") * 2",
        "timestamp(now) - duration(\"1d\")",
        "regex.extract(a.t, \"l+\")",
        "high >= low",
        "\"x\" == 1",
        "a.b and true",
        "a.b = 1",
        "a.h-y",
        "signal.x",
        "a.l.exist(x, x)",
    ] {
        println!("{text:40} {}", shown(text, &data));
    }
}
