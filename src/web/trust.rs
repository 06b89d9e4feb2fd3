//! Why TLS was given up, where it is a matter of certificates, and what to do about it.

use rustls::{AlertDescription, CertificateError, Error};

/// What is wrong with whose certificate, and what to do; `None` for what has another cause.
pub(super) fn distrust(error: &Error) -> Option<(String, &'static str)> {
    match error {
        Error::InvalidCertificate(why) => Some(theirs(why)),
        Error::AlertReceived(
            said @ (AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA),
        ) => Some((
            format!("the server refuses this client's certificate, or that it has none ({said:?})"),
            "have the server take clients without one, or the one that is shown",
        )),
        _ => None,
    }
}

fn theirs(why: &CertificateError) -> (String, &'static str) {
    let (problem, instead) = match why {
        CertificateError::UnknownIssuer => (
            "the server's certificate comes from an authority that is not known here".to_owned(),
            "add that authority's certificate to the file of `ca: { file: name.pem }`",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "have it renewed there, or set this machine's clock right",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet".to_owned(),
            "set this machine's clock right, or wait",
        ),
        CertificateError::NotValidForName => (
            "the server's certificate is for another host".to_owned(),
            "write the host that the certificate names into the URL",
        ),
        CertificateError::NotValidForNameContext { presented, .. } => (
            format!("the server's certificate is for {}", names(presented)),
            "write the host that the certificate names into the URL",
        ),
        other => (
            format!("the server's certificate cannot be used: {other}"),
            "have a right one made for it, signed by an authority that `ca` names",
        ),
    };
    // The names in a certificate are its maker's words.
    (crate::untrusted::log(&problem, 200), instead)
}

/// `DnsName("soc.example"), IpAddress(10.0.0.1)` as a person reads it.
fn names(presented: &[String]) -> String {
    let bare = presented.iter().map(|name| {
        let inside = name
            .split_once('(')
            .map_or(name.as_str(), |(_, inside)| inside);
        inside.trim_end_matches(')').trim_matches('"')
    });
    bare.collect::<Vec<_>>().join(", ")
}
