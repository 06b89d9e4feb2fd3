//! Whole files, files in the making, and files that are none.

use std::path::Path;

use super::House;
use crate::intake::file::{Seen, look};

const AT: &str = "2026-11-23T09:00:00Z";
const CONFIG: &str = "connections:\n  evals: { connector: inspect, folder: logs }\n";
const EVAL: &[u8] = include_bytes!("../../../connectors/inspect/samples/run.eval");

fn house(config: &str, own: &[(&str, &str)]) -> House {
    let house = House::new(AT, config, own);
    std::fs::create_dir_all(house.folder.path().join("logs/risk")).unwrap();
    house
}

fn put(house: &House, name: &str, bytes: &[u8]) {
    std::fs::write(house.folder.path().join("logs").join(name), bytes).unwrap();
}

/// A file's own time is the machine's; the clock is put there.
fn set_clock(house: &House, name: &str) {
    let path = house.folder.path().join("logs").join(name);
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let modified = jiff::Timestamp::try_from(modified).unwrap();
    house.live.clock.jump_to(modified);
}

async fn looks(house: &House, seen: &mut Seen, times: usize) -> usize {
    let connection = house.live.snapshot().catalog.config.connections[0]
        .name
        .clone();
    let mut count = 0;
    for _ in 0..times {
        let snapshot = house.live.snapshot();
        count += look(&house.live, &snapshot, &connection, seen)
            .await
            .unwrap();
    }
    count
}

fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn an_eval_is_read_once_when_it_stood_still() {
    let house = house(CONFIG, &[]);
    let mut seen = Seen::default();
    put(&house, "risk/run.eval", EVAL);
    assert_eq!(looks(&house, &mut seen, 1).await, 0);
    assert_eq!(looks(&house, &mut seen, 1).await, 1);
    assert_eq!(looks(&house, &mut seen, 3).await, 0);
    assert_eq!(house.stuck_reasons().await, Vec::<String>::new());
    // After a restart nothing is remembered but what the store knows.
    assert_eq!(looks(&house, &mut Seen::default(), 3).await, 0);
    // The same content elsewhere is another file; its signal has the same id.
    put(&house, "copy.eval", EVAL);
    looks(&house, &mut seen, 2).await;
    assert_eq!(house.counted("repeat"), 1);
}

#[tokio::test]
async fn a_run_that_goes_on_is_waited_for() {
    let house = house(CONFIG, &[]);
    let mut seen = Seen::default();
    put(
        &house,
        "run.eval",
        &zip_of(&[("_journal/start.json", "{}")]),
    );
    assert_eq!(looks(&house, &mut seen, 3).await, 0);
    assert_eq!(house.stuck_reasons().await, Vec::<String>::new());
    put(&house, "run.eval", EVAL);
    assert_eq!(looks(&house, &mut seen, 2).await, 1);
}

#[tokio::test]
async fn json_as_python_writes_it_is_read_and_what_is_none_is_stuck_once() {
    let house = house(CONFIG, &[]);
    let mut seen = Seen::default();
    let sample = include_str!("../../../connectors/inspect/samples/run-json.json");
    let mut run: serde_json::Value = serde_json::from_str(sample).unwrap();
    run["stats"]["extra"] = "HERE".into();
    let text = run
        .to_string()
        .replace("\"HERE\"", "[NaN, Infinity, -Infinity, \"NaN\"]");
    put(&house, "run.json", text.as_bytes());
    put(&house, "bad.json", b"{\"eval\": nope}");
    put(&house, "cut.json", b"{\"eval\": ");
    put(&house, "other.json", b"{}");
    set_clock(&house, "cut.json");
    assert_eq!(looks(&house, &mut seen, 4).await, 2);
    let reasons = house.stuck_reasons().await;
    assert_eq!(
        reasons,
        ["reading: the body cannot be read: it is no JSON at line 1, column 11"]
    );
    assert_eq!(looks(&house, &mut Seen::default(), 4).await, 0);
}

#[tokio::test]
async fn json_of_another_shape_is_none_of_ours() {
    const EVIDENTLY: &str = "connections:\n  it: { connector: evidently, folder: logs }\n";
    let drift = include_str!("../../../connectors/evidently/samples/drift.json");
    let run = include_str!("../../../connectors/inspect/samples/run-json.json");
    for (config, sample) in [(CONFIG, run), (EVIDENTLY, drift)] {
        let house = house(config, &[]);
        let mut seen = Seen::default();
        let others = [
            "[]",
            "[{\"eval\": {\"eval_id\": 1}, \"tests\": [], \"metrics\": []}]",
            "\"eval\"",
            "7",
            "null",
            "{\"eval\": [], \"tests\": 5, \"metrics\": \"many\"}",
            "{\"eval\": {}, \"tests\": [\"unit\"], \"metrics\": [1, \"b\", {\"name\": \"x\"}]}",
            "{\"eval\": \"x\", \"tests\": {\"a\": 1}, \"metrics\": {\"config\": 1}}",
        ];
        for (number, other) in others.iter().enumerate() {
            put(&house, &format!("{number}.json"), other.as_bytes());
        }
        assert_eq!(looks(&house, &mut seen, 3).await, 0, "{config}");
        assert_eq!(
            house.stuck_reasons().await,
            Vec::<String>::new(),
            "{config}"
        );
        put(&house, "ours.json", sample.as_bytes());
        assert!(looks(&house, &mut seen, 2).await > 0, "{config}");
        assert_eq!(
            house.stuck_reasons().await,
            Vec::<String>::new(),
            "{config}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn no_link_is_followed() {
    let house = house(CONFIG, &[]);
    let outside = house.folder.path().join("outside.eval");
    std::fs::write(&outside, EVAL).unwrap();
    let link = |from: &Path, name: &str| {
        std::os::unix::fs::symlink(from, house.folder.path().join("logs").join(name)).unwrap();
    };
    link(&outside, "link.eval");
    link(house.folder.path(), "up");
    assert_eq!(looks(&house, &mut Seen::default(), 3).await, 0);
}

const ROWS: &str = "andon: connector/v1\nname: rows\nabout: Rows of files.\nsettings:\n  folder: { is: path, about: Where }\nsignals:\n  row:\n    schema: schemas/row.json\n    file: { glob: \"*.jsonl\", open: jsonl, whole: { has: row.?end == true, or_quiet: 1h } }\n    each: =rows\n    id: [=file.sha256, =item.number]\n    at: =file.modified\n    data: { number: =item.number }\n";

#[tokio::test]
async fn rows_wait_for_the_one_that_ends_the_file() {
    let schema = r#"{"type":"object","properties":{"number":{"type":"integer"}}}"#;
    let own = [
        ("connectors/rows/connector.yaml", ROWS),
        ("connectors/rows/schemas/row.json", schema),
    ];
    let house = house(
        "connections:\n  it: { connector: rows, folder: logs }\n",
        &own,
    );
    let mut seen = Seen::default();
    put(&house, "a.jsonl", b"{\"number\":1}\n{\"number\":");
    set_clock(&house, "a.jsonl");
    assert_eq!(looks(&house, &mut seen, 3).await, 0, "a row is cut off");
    put(&house, "a.jsonl", b"{\"number\":1}\n{\"number\":2}\n");
    assert_eq!(looks(&house, &mut seen, 3).await, 0, "no row ends it");
    put(
        &house,
        "a.jsonl",
        b"{\"number\":1}\n{\"number\":NaN}\n{\"number\":3,\"end\":true}\n",
    );
    assert_eq!(looks(&house, &mut seen, 2).await, 3);
    assert_eq!((house.counted("read"), house.counted("stuck")), (2, 1));
    put(&house, "b.jsonl", b"{\"number\":1}\n");
    assert_eq!(looks(&house, &mut seen, 2).await, 0);
    house.later(2 * 3600);
    assert_eq!(
        looks(&house, &mut seen, 1).await,
        1,
        "it was quiet for long enough"
    );
}
