//! Request bodies: reading them with a cap, and unpacking gzip with a cap.

use std::io::Read;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// No stand-in takes more than this at once, whatever its vendor would: Splunk's own default.
pub(super) const MOST: usize = 838_860_800;

/// Why a body cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Longer than the cap, packed or unpacked.
    TooLong,
    /// Said to be gzip and is none.
    NotGzip,
    /// The client broke off.
    Broken,
}

/// Reads at most `most` bytes.
pub(super) async fn read(body: Body, most: usize) -> Result<Bytes, Unusable> {
    axum::body::to_bytes(body, most).await.map_err(|error| {
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(inner) = source {
            // The crate of this error type is not a dependency of ours; its text is stable.
            if inner.to_string() == "length limit exceeded" {
                return Unusable::TooLong;
            }
            source = inner.source();
        }
        Unusable::Broken
    })
}

/// Unpacks gzip into at most `most` bytes.
pub(super) fn gunzip(packed: &[u8], most: usize) -> Result<Vec<u8>, Unusable> {
    let mut plain = Vec::new();
    let cap = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(cap)
        .read_to_end(&mut plain)
        .map_err(|_| Unusable::NotGzip)?;
    if plain.len() > most {
        return Err(Unusable::TooLong);
    }
    Ok(plain)
}

/// A header's text, or nothing where it is absent or no text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A JSON answer.
pub(super) fn json(status: u16, body: &Value) -> Response {
    typed(status, "application/json", body.to_string())
}

/// An answer of the given content type.
pub(super) fn typed(status: u16, content_type: &'static str, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![0; 1_000_000]).unwrap();
        let bomb = packer.finish().unwrap();
        assert_eq!(gunzip(&bomb, 1000), Err(Unusable::TooLong));
        assert_eq!(gunzip(b"plain", 1000), Err(Unusable::NotGzip));
        assert_eq!(
            gunzip(&bomb, 1_000_000).map(|plain| plain.len()),
            Ok(1_000_000)
        );
    }

    #[tokio::test]
    async fn a_body_over_the_cap_is_told_from_a_broken_one() {
        assert_eq!(read(Body::from("12345"), 4).await, Err(Unusable::TooLong));
        assert_eq!(read(Body::from("1234"), 4).await, Ok(Bytes::from("1234")));
    }
}
