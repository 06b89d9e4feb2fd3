//! Why the server did not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or is none of this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate or key could not be read, or do not fit.
    #[error("cannot use the certificate `{}` with the key `{}`", cert.display(), key.display())]
    Tls {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The file with the local token could not be written.
    #[error("cannot write the local token `{}`", path.display())]
    LocalToken {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no random bytes.
    #[error("cannot make a token: the system gives no random bytes")]
    Chance,
}
