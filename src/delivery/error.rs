//! Why an event could not be made or handed over.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{shape, store, web};

/// Why an event could not be made or handed over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection of that name, or one whose connector delivers nothing.
    #[error("there is no destination `{0}`")]
    Unknown(String),
    /// An expression, a text or a path of `deliver:` failed.
    #[error("cannot make the event for `{destination}`")]
    Shape {
        /// The destination.
        destination: String,
        /// What failed.
        #[source]
        source: shape::Error,
    },
    /// The whole event is absent, or cannot be written as JSON.
    #[error("the event for `{0}` comes out empty")]
    Empty(String),
    /// The event is larger than the destination takes, whatever may be dropped from it.
    #[error("the event has {bytes} bytes, and `{destination}` takes at most {at_most}")]
    TooLarge {
        /// The destination.
        destination: String,
        /// The event's size.
        bytes: usize,
        /// The bound.
        at_most: u64,
    },
    /// No answer.
    #[error("cannot send to `{destination}`")]
    Web {
        /// The destination.
        destination: String,
        /// Why there is none.
        #[source]
        source: web::Error,
    },
    /// An answer other than "delivered".
    #[error("`{destination}` did not take the event: {verdict}, {said}")]
    NotTaken {
        /// The destination.
        destination: String,
        /// The verdict of the manifest on it.
        verdict: &'static str,
        /// What was answered: one line, clean.
        said: String,
    },
    /// The file could not be written.
    #[error("cannot write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The store failed.
    #[error("cannot read what is owed")]
    Store(#[from] store::Error),
}

impl Error {
    /// The error and its causes in one line, clean.
    pub fn line(&self) -> String {
        let mut line = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            line.push_str(": ");
            line.push_str(&source.to_string());
            next = source.source();
        }
        crate::untrusted::log(&line, 400)
    }
}
