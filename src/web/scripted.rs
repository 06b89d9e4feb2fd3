//! The wire of a simulation: what would be sent is given to a script, which answers or does not.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What goes over the wire, secrets and all.
pub(crate) struct Asked {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// What comes back: an answer, or why there is none.
pub(crate) type Reply = Result<(u16, Vec<(String, String)>, Vec<u8>), Lost>;

/// Why no answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// No connection was made.
    Unreachable,
    /// It broke before the answer was whole.
    Cut,
}

type Later = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Plays every server there is.
#[derive(Clone)]
pub(crate) struct Script(pub(crate) Arc<dyn Fn(Asked) -> Later + Send + Sync>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script(…)")
    }
}
