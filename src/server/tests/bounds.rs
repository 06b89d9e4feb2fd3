//! Bodies that are too large, too slow, or never whole.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::House;
use crate::server::body::{API_BYTES, Places, SIGNAL_BYTES};

#[tokio::test]
async fn an_announced_hundred_megabytes_are_refused_unread() {
    let house = House::new().await;
    for (path, at_most) in [
        ("/v1/signals/local", SIGNAL_BYTES),
        ("/v1/actions", API_BYTES),
        ("/v1/alerts/alt_0000000000001/note", API_BYTES),
    ] {
        // Nothing of it is ever sent, and no test time passes: the answer cannot have waited for it.
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer boss\r\nContent-Length: 100000000\r\n\r\n"
        );
        let answer = house.raw(head.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (413, "too_large"),
            "{path}"
        );
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.json()["at_most"], at_most);
    }
}

#[tokio::test]
async fn a_hundred_megabytes_in_chunks_are_refused_at_the_bound() {
    let house = House::new().await;
    let stream = TcpStream::connect(house.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let reading = async {
        let mut bytes = Vec::new();
        drop(read.read_to_end(&mut bytes).await);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let writing = async {
        let head =
            "POST /v1/signals/local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        write.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("{:x}\r\n{}\r\n", 1_000_000, " ".repeat(1_000_000));
        let mut sent = 0;
        while sent < 100 && write.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 1;
        }
        sent
    };
    let (answer, sent) = tokio::join!(reading, writing);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(sent < 30, "the server read on: {sent} MB");
}

#[tokio::test]
async fn a_body_within_the_bound_is_taken() {
    let house = House::new().await;
    let text = "x".repeat(1_000_000);
    let body = format!("{{\"key\":\"{text}\"}}");
    let answer = house.ask("", "POST /v1/signals/local", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let note = format!("{{\"text\":\"{}\"}}", "x".repeat(API_BYTES));
    let answer = house
        .ask("boss", "POST /v1/alerts/alt_0000000000001/note", &note)
        .await;
    assert_eq!(answer.status, 413);
}

/// Gives so many bytes at once, and then nothing more.
struct Drip(usize);

impl HttpBody for Drip {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        if self.0 == 0 {
            return Poll::Pending;
        }
        let bytes = Bytes::from(vec![b' '; self.0]);
        self.0 = 0;
        Poll::Ready(Some(Ok(hyper::body::Frame::data(bytes))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let places = Places::default();
    let headers = HeaderMap::new();
    let read = places.read(&headers, Body::new(Drip(10)), 100);
    let problem = read.await.unwrap_err();
    assert_eq!(problem.status(), 408);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_have_places_and_small_ones_need_none() {
    let places = Places::default();
    let headers = HeaderMap::new();
    let mut held = Vec::new();
    for _ in 0..32 {
        let body = Body::from(vec![b' '; 100_000]);
        held.push(places.read(&headers, body, SIGNAL_BYTES).await.unwrap());
    }
    let large = places.read(&headers, Body::from(vec![b' '; 100_000]), SIGNAL_BYTES);
    assert_eq!(large.await.unwrap_err().status(), 503);
    let small = places.read(&headers, Body::from("small"), SIGNAL_BYTES);
    assert_eq!(small.await.unwrap().bytes, b"small");
    drop(held.pop());
    let large = places.read(&headers, Body::from(vec![b' '; 100_000]), SIGNAL_BYTES);
    assert!(large.await.is_ok());
}
