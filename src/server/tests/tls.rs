//! TLS by certificate files.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use super::house::House;
use crate::server::tls::Certificate;
use crate::server::{Error, serve};

const TLS: &str = "tls: { cert: { file: localhost.crt }, key: { file: localhost.key } }\n";

fn get(address: std::net::SocketAddr, path: &str) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file("tests/data/tls/localhost.crt").unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = std::net::TcpStream::connect(address)?;
    let mut line = rustls::Stream::new(&mut session, &mut socket);
    line.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut text = Vec::new();
    // The server may close without saying so in TLS; what came before is what counts.
    drop(line.read_to_end(&mut text));
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_from_files_is_served() {
    let house = House::with(TLS).await;
    let address = house.address;
    let answer = tokio::task::spawn_blocking(move || get(address, "/healthz"));
    let answer = answer.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Plain HTTP gets nothing.
    assert_eq!(house.ask("", "GET /healthz", "").await.status, 0);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_said_by_name() {
    let house = House::with(TLS).await;
    std::fs::write(house.folder.path().join("localhost.key"), "no key").unwrap();
    let error = serve(Arc::clone(&house.live), "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Tls { .. }));
    assert!(error.to_string().contains("localhost.key"));
}

#[tokio::test]
async fn changed_files_are_read_again_and_broken_ones_leave_the_old_certificate() {
    let house = House::with(TLS).await;
    let snapshot = house.live.snapshot();
    let mut certificate = Certificate::load(&snapshot).await.unwrap().unwrap();
    assert!(certificate.look(&snapshot).await.is_none());
    let before = certificate.config.get_inner();
    let path = house.folder.path().join("localhost.key");
    let key = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "half a key").unwrap();
    assert!(certificate.look(&snapshot).await.unwrap().is_err());
    assert!(Arc::ptr_eq(&before, &certificate.config.get_inner()));
    std::fs::remove_file(&path).unwrap();
    assert!(certificate.look(&snapshot).await.is_none());
    std::fs::write(&path, key).unwrap();
    assert!(certificate.look(&snapshot).await.unwrap().is_ok());
    assert!(!Arc::ptr_eq(&before, &certificate.config.get_inner()));
}

#[tokio::test]
async fn a_taken_address_is_said() {
    let house = House::new().await;
    let token = house.local_token();
    let error = serve(Arc::clone(&house.live), house.address)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", house.address)
    );
    assert_eq!(house.local_token(), token);
}
