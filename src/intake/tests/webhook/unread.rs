//! What was let in and cannot be read: kept or refused, and tried again.

use super::*;

/// The generic connector, changed to keep what cannot be read.
fn keeper() -> House {
    let own = include_str!("../../../../connectors/generic/connector.yaml");
    let kept = own.replacen(
        "  unmatched: keep",
        "  unmatched: keep\n  unreadable: keep",
        1,
    );
    assert_ne!(own, kept);
    House::new(AT, MLFLOW, &[("connectors/generic/connector.yaml", &kept)])
}

#[tokio::test]
async fn a_push_that_cannot_be_read_is_kept_where_the_connector_says_so() {
    let house = keeper();
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let many = format!("[{}0]", "0,".repeat(2_000_001));
    let gzipped = |push: Push| push.with("content-encoding", "gzip");
    let lines = |push: Push| push.with("content-type", "application/x-ndjson");
    let trusted = |push: Push| Push {
        trusted: true,
        ..push
    };
    let no_json = "the body cannot be read: it is no JSON at line 1, column 1";
    let no_line = "the body cannot be read: none of its lines is JSON that can be read";
    let no_gzip = "the body cannot be read: it is no gzip, or it is cut off";
    let cut_off = gzip(b"{\"key\":\"a\"}")[..20].to_vec();
    // What was kept says why; what was not is a status.
    let cases: [(&str, Result<&str, u16>, Push); 16] = [
        ("no JSON", Ok(no_json), Push::generic("qzx")),
        (
            "cut off",
            Ok("the body cannot be read: it is no JSON at line 2, column 8"),
            Push::generic("{\n  \"key\":"),
        ),
        (
            "nothing",
            Ok("the body cannot be read: it is empty"),
            Push::generic(""),
        ),
        (
            "no UTF-8",
            Ok("the body cannot be read: it is no UTF-8 at byte 6"),
            Push::generic(b"{\"a\":\"\xff\"}".to_vec()),
        ),
        (
            "deep",
            Ok("the body nests deeper than 64"),
            Push::generic(deep.as_str()),
        ),
        ("no gzip", Ok(no_gzip), gzipped(Push::generic("{}"))),
        (
            "gzip, cut off",
            Ok(no_gzip),
            gzipped(Push::generic(cut_off)),
        ),
        (
            "gzip of no JSON",
            Ok(no_json),
            gzipped(Push::generic(gzip(b"qzx, packed"))),
        ),
        (
            "no line that can be read",
            Ok(no_line),
            lines(Push::generic("qzx\n\nqzy\n")),
        ),
        (
            "a document over several lines, called lines",
            Ok(no_line),
            lines(Push::generic("{\n\"key\": \"a\"\n}")),
        ),
        (
            "blank lines",
            Ok("the body cannot be read: it has no line"),
            lines(Push::generic("\n \n")),
        ),
        ("many values", Err(413), Push::generic(many.as_str())),
        (
            "a line of many values",
            Err(413),
            lines(Push::generic(many.as_str())),
        ),
        (
            "brotli",
            Err(415),
            Push::generic("qzx").with("content-encoding", "br"),
        ),
        (
            "with a token of the API",
            Err(400),
            trusted(Push::generic("qzx")),
        ),
        (
            "lines with a token of the API",
            Err(400),
            trusted(lines(Push::generic("qzx"))),
        ),
    ];
    let mut kept = 0;
    for (what, wanted, push) in cases {
        let receipt = match (push.to(&house).await, wanted) {
            (Ok(receipt), Ok(reason)) => {
                assert_eq!(receipt.signals[0].stuck.as_deref(), Some(reason), "{what}");
                receipt
            }
            (taken, wanted) => {
                assert_eq!(Err(status(&taken)), wanted, "{what}: {taken:?}");
                continue;
            }
        };
        kept += 1;
        assert_eq!((receipt.signals.len(), receipt.stuck()), (1, 1), "{what}");
        // The same again is the same: a sender that repeats itself fills nothing.
        let again = push.to(&house).await.unwrap();
        assert_eq!((again.repeats(), again.new_signals()), (1, 0), "{what}");
    }
    assert_eq!(house.unsettled(StandingKind::Refused).await.len(), kept);
    let counted = (house.counted("unmatched"), house.counted("repeat"));
    assert_eq!(counted, (11, 11));
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_byte_for_byte_and_stays_when_it_is_tried_again() {
    let house = keeper();
    let gzipped = gzip(b"qzx, packed");
    let broken = gzipped[..20].to_vec();
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65)).into_bytes();
    for (body, encoding, kept_as) in [
        (b"{\"key\": qzx".to_vec(), "", b"{\"key\": qzx".to_vec()),
        (Vec::new(), "", Vec::new()),
        (b"\xff\x00".to_vec(), "", b"\xff\x00".to_vec()),
        (deep.clone(), "", deep),
        // Inflated as far as it can be, and as it came where it cannot.
        (gzipped, "gzip", b"qzx, packed".to_vec()),
        (broken.clone(), "gzip", broken),
    ] {
        let push = Push::generic(body).with("content-encoding", encoding);
        let receipt = push.to(&house).await.unwrap();
        let id = receipt.signals[0].id;
        let reason = receipt.signals[0].stuck.clone().unwrap();
        let said = retry(&house.live, id).await.unwrap_err().to_string();
        assert_eq!(said, format!("signal {id} is as it was: {reason}"));
        let kept = house.live.store.read(move |reader| reader.signal(id)).await;
        let kept = kept.unwrap().unwrap();
        assert_eq!(kept.standing, StandingKind::Refused, "{reason}");
        assert_eq!(kept.reason, Some(reason));
        assert_eq!(*kept.raw.body.as_data(), kept_as);
    }
}

#[tokio::test]
async fn a_document_that_was_sent_as_lines_is_read_when_it_is_tried_again() {
    let house = keeper();
    let body = "{\n\"key\": \"a\",\n\"title\": \"t\"\n}";
    let push = Push::generic(body).with("content-type", "application/x-ndjson");
    let id = push.to(&house).await.unwrap().signals[0].id;
    let read = retry(&house.live, id).await.unwrap();
    assert_eq!((read.stuck, read.repeat), (None, false));
    assert!(house.unsettled(StandingKind::Refused).await.is_empty());
}
