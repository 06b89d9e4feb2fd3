//! Why the daemon could not start.

use std::path::PathBuf;

use crate::diag::Diagnostic;
use crate::{server, store, web};

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The files have faults; they are shown one by one.
    #[error("the files have faults")]
    Faults(Vec<Diagnostic>),
    /// The store could not be opened.
    #[error("the store cannot be opened")]
    Store(#[from] store::Error),
    /// A connection could not be made ready.
    #[error("a connection cannot be made ready")]
    Connection(#[from] web::Error),
    /// Nothing can be listened on.
    #[error("the API cannot be served")]
    Server(#[from] server::Error),
}
