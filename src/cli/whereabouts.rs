//! Where a daemon is, and where its token: by `--url`, else by the few keys of `andon.yaml` that say so.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::diag::{Faults, Source};
use crate::yaml;

/// Where the daemon listens unless `andon.yaml` says otherwise.
const LISTEN: &str = "127.0.0.1:7373";
/// Where its store is unless `andon.yaml` says otherwise.
const STORE: &str = "data/andon.db";

/// Where the daemon is, and where its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    /// The base URL.
    pub(crate) url: String,
    /// Its store.
    pub(crate) store: PathBuf,
    /// The token that the daemon keeps beside its store.
    pub(crate) token: PathBuf,
}

impl Whereabouts {
    /// Reads `listen`, `public_url`, `tls` and `store` of an `andon.yaml` and nothing else of it.
    pub(crate) fn read(config: &std::sync::Arc<Source>, folder: &Path, url: Option<&str>) -> Self {
        let node = yaml::parse(config, &mut Faults::new());
        let text = |key: &str| {
            node.as_ref()
                .and_then(|node| node.get(key))
                .and_then(yaml::Node::as_text)
        };
        let with_tls = node.as_ref().is_some_and(|node| node.get("tls").is_some());
        let found = match (url, text("public_url")) {
            (Some(url), _) => url.to_owned(),
            // A certificate is for the name that others use.
            (None, Some(public)) if with_tls => public.to_owned(),
            (None, _) => {
                let scheme = if with_tls { "https" } else { "http" };
                format!("{scheme}://{}", reachable(text("listen").unwrap_or(LISTEN)))
            }
        };
        let store = folder.join(text("store").unwrap_or(STORE));
        let store = store.strip_prefix("./").unwrap_or(&store).to_path_buf();
        let mut token = store.clone().into_os_string();
        token.push(".token");
        Self {
            url: found.trim_end_matches('/').to_owned(),
            store,
            token: token.into(),
        }
    }

    /// Whether it is on this machine.
    pub(super) fn is_here(&self) -> bool {
        let Ok(url) = url::Url::parse(&self.url) else {
            return false;
        };
        match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// An address that listens on everything is reached on loopback.
fn reachable(listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() && address.is_ipv4() => {
            format!("127.0.0.1:{}", address.port())
        }
        Ok(address) if address.ip().is_unspecified() => format!("[::1]:{}", address.port()),
        _ => listen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whereabouts(config: &str, url: Option<&str>) -> Whereabouts {
        Whereabouts::read(&Source::new("andon.yaml", config), Path::new("soc"), url)
    }

    #[test]
    fn the_daemon_is_where_the_file_says() {
        for (config, url, at, is_here) in [
            ("andon: config/v1\n", None, "http://127.0.0.1:7373", true),
            (
                "listen: 0.0.0.0:9000\n",
                None,
                "http://127.0.0.1:9000",
                true,
            ),
            ("listen: '[::]:9000'\n", None, "http://[::1]:9000", true),
            (
                "listen: 0.0.0.0:9000\npublic_url: https://a.example/\ntls: { cert: { file: c }, key: { file: k } }\n",
                None,
                "https://a.example",
                false,
            ),
            (
                "listen: 127.0.0.1:1\n",
                Some("https://b.example"),
                "https://b.example",
                false,
            ),
            (
                "connections: [ this is broken\n",
                None,
                "http://127.0.0.1:7373",
                true,
            ),
        ] {
            let found = whereabouts(config, url);
            assert_eq!(
                (found.url.as_str(), found.is_here()),
                (at, is_here),
                "{config}"
            );
        }
    }

    #[test]
    fn the_token_lies_beside_the_store() {
        assert_eq!(
            whereabouts("store: here/a.db\n", None).token,
            Path::new("soc/here/a.db.token")
        );
    }
}
