//! TLS with private authorities. The certificates are those of `tests/data/tls/outgoing`.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use super::*;

fn file(name: &str) -> PathBuf {
    PathBuf::from("tests/data/tls/outgoing").join(name)
}

/// A server that shows the certificate `shows`, wants one of the authority `asks_for`, and says `hello` until the test ends.
fn https(shows: &str, asks_for: Option<&str>) -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match asks_for {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_file(file(authority)).unwrap())
                .unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let certificate = CertificateDer::from_pem_file(file(shows)).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("leaf.key")).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![certificate], key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            // What a client that gives up does to the socket is its own affair.
            drop(answer(socket.unwrap(), config.clone()));
        }
    });
    format!("https://localhost:{port}")
}

fn answer(mut socket: std::net::TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let mut session = ServerConnection::new(config).unwrap();
    let mut line = rustls::Stream::new(&mut session, &mut socket);
    let mut buffer = [0; 4096];
    match line.read(&mut buffer).map(|length| length > 0) {
        Ok(false) => Ok(()),
        Ok(true) => line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        // The reason was sent; what else comes is read, so that closing the socket does not take it back.
        Err(_) => std::io::copy(&mut socket, &mut std::io::sink()).map(drop),
    }
}

async fn ask(settings: Settings) -> Result<String, Error> {
    let clock = stopped();
    let connection = connection(&clock, settings);
    let answer = connection
        .send(&get("/"), &kept(&clock).secrets, DEADLINE)
        .await?;
    Ok(String::from_utf8(answer.body).unwrap())
}

fn with_ca(url: &str, ca: &str) -> Settings {
    let mut settings = settings(url);
    settings.ca = Some(file(ca));
    settings
}

fn with_client(url: &str, cert: &str) -> Settings {
    let mut settings = with_ca(url, "ca.crt");
    settings.client_certificate = Some(ClientCertificate {
        cert: file(cert),
        key: file("leaf.key"),
    });
    settings
}

/// What the refusal says, without the port, which differs.
fn said(error: &Error) -> String {
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");
    assert!(!error.sent());
    assert_eq!((error.blame(), error.again()), (Blame::Admin, Again::Later));
    let text = error.to_string();
    let (before, after) = text.split_once("localhost:").unwrap();
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{before}localhost{after}")
}

#[tokio::test]
async fn a_server_of_a_private_authority_is_reached_with_ca() {
    let url = https("server.crt", None);
    assert_eq!(ask(with_ca(&url, "ca.crt")).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_said_with_what_to_do() {
    let cases = [
        ("server.crt", Some("other-ca.crt")),
        ("server.crt", None),
        ("expired.crt", Some("ca.crt")),
        ("elsewhere.crt", Some("ca.crt")),
        ("client.crt", Some("ca.crt")),
    ];
    let mut all = Vec::new();
    for (shows, ca) in cases {
        let url = https(shows, None);
        let settings = match ca {
            Some(ca) => with_ca(&url, ca),
            None => settings(&url),
        };
        all.push(said(&ask(settings).await.unwrap_err()));
    }
    insta::assert_snapshot!(all.join("\n"), @r"
    `it` makes no TLS connection to `localhost`: the server's certificate comes from an authority that is not known here; add that authority's certificate to the file of `ca: { file: name.pem }`
    `it` makes no TLS connection to `localhost`: the server's certificate comes from an authority that is not known here; add that authority's certificate to the file of `ca: { file: name.pem }`
    `it` makes no TLS connection to `localhost`: the server's certificate has expired; have it renewed there, or set this machine's clock right
    `it` makes no TLS connection to `localhost`: the server's certificate is for elsewhere.example; write the host that the certificate names into the URL
    `it` makes no TLS connection to `localhost`: the server's certificate cannot be used: certificate does not allow extended key usage for server authentication, allows client authentication; have a right one made for it, signed by an authority that `ca` names
    ");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks() {
    let url = https("server.crt", Some("ca.crt"));
    assert_eq!(ask(with_client(&url, "client.crt")).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_server_that_refuses_the_client_has_done_nothing_and_is_said() {
    let url = https("server.crt", Some("ca.crt"));
    let without = ask(with_ca(&url, "ca.crt")).await.unwrap_err();
    let strange = ask(with_client(&url, "stranger.crt")).await.unwrap_err();
    let all = [said(&without), said(&strange)].join("\n");
    insta::assert_snapshot!(all, @r"
    `it` makes no TLS connection to `localhost`: the server refuses this client's certificate, or that it has none (CertificateRequired); have the server take clients without one, or the one that is shown
    `it` makes no TLS connection to `localhost`: the server refuses this client's certificate, or that it has none (UnknownCA); have the server take clients without one, or the one that is shown
    ");
}

#[test]
fn a_certificate_file_that_cannot_be_used_is_named() {
    let url = "https://host";
    let (ca, key) = (file("ca.crt"), file("leaf.key"));
    let mut wrong_key = with_client(url, "client.crt");
    wrong_key.client_certificate = Some(ClientCertificate {
        cert: file("client.crt"),
        key: PathBuf::from("tests/data/tls/localhost.key"),
    });
    let mut two_certificates = with_client(url, "client.crt");
    two_certificates.client_certificate = Some(ClientCertificate {
        cert: ca.clone(),
        key: ca,
    });
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.pem");
    let pem = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
    std::fs::write(&broken, pem).unwrap();
    let mut no_authority = settings(url);
    no_authority.ca = Some(broken);
    let mut no_certificate = settings(url);
    no_certificate.ca = Some(key);
    let cases = [
        with_ca(url, "no-such-file.pem"),
        no_certificate,
        no_authority,
        wrong_key,
        two_certificates,
    ];
    let client = Client::new(stopped(), Options::default());
    let said = cases.map(|settings| client.connection(settings).unwrap_err().to_string());
    let said = said.join("\n").replace("tests/data/tls/outgoing/", "");
    insta::assert_snapshot!(said, @r"
    `ca` of `it` cannot be used: cannot read `no-such-file.pem`: No such file or directory (os error 2)
    `ca` of `it` cannot be used: `leaf.key` holds no certificate as PEM
    `ca` of `it` cannot be used: a certificate in it is damaged
    `client_certificate` of `it` cannot be used: the certificate and the key do not belong together
    `client_certificate` of `it` cannot be used: `ca.crt` has to hold a certificate, and `ca.crt` its key, as PEM
    ");
}
