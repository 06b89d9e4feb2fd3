//! One request with a batch, and what became of it.

use std::sync::Arc;

use super::answer::{self, Meaning};
use super::event::Event;
use super::{Error, Way, batch, file};
use crate::connector::{Framing, Target, Verdict};
use crate::expr::{Scope, Value};
use crate::shape::{Absent, Body, Content, Leaf, Request};
use crate::web::{self, Answer};

/// What came back.
pub(super) enum Sent {
    /// An answer, and what it means.
    Answered(Box<Answer>, Meaning),
    /// Written to the file.
    Written,
    /// No answer.
    Failed(Error),
}

impl<'s> Way<'s> {
    /// Sends a batch once.
    pub(super) async fn send(&self, events: &[&Event]) -> Sent {
        match &self.deliver.target {
            Target::Call(_) => match self.request(events) {
                Ok(request) => self.call(&request, events.len()).await,
                Err(error) => Sent::Failed(error),
            },
            Target::File { rotate, sync, .. } => {
                let lines = batch::framed(self.deliver, events);
                match self.write(lines, *rotate, *sync).await {
                    Ok(()) => Sent::Written,
                    Err(error) => Sent::Failed(error),
                }
            }
        }
    }

    async fn call(&self, request: &Request, events: usize) -> Sent {
        let Some(connection) = self.snapshot.web(&self.connection.name) else {
            return Sent::Failed(Error::Unknown(self.connection.name.clone()));
        };
        let answer = connection
            .send(request, &self.snapshot.secrets, self.connection.timeout)
            .await;
        match answer {
            Ok(answer) => {
                let meaning = answer::meaning(self, &answer, events);
                Sent::Answered(Box::new(answer), meaning)
            }
            Err(source) => Sent::Failed(Error::Web {
                destination: self.connection.name.clone(),
                source,
            }),
        }
    }

    /// Drops the token that this answer came to; says whether there was one.
    pub(super) async fn renew(&self, answer: &Answer) -> bool {
        match self.snapshot.web(&self.connection.name) {
            Some(connection) => connection.renew(answer).await,
            None => false,
        }
    }

    fn request(&self, events: &[&Event]) -> Result<Request, Error> {
        let (own, body) = match events {
            [only] if self.deliver.batch.framing == Framing::Single => {
                (only.request.clone(), only.body.clone())
            }
            _ => (None, None),
        };
        let mut request = match own {
            Some(request) => request,
            None => self.shared_request()?,
        };
        // What web fills secrets into is JSON; the rest is bytes, and those may be compressed.
        let body = body.unwrap_or_else(|| {
            let bytes = batch::framed(self.deliver, events);
            let packed = self.deliver.gzip.then(|| batch::gzipped(&bytes)).flatten();
            match packed {
                Some(packed) => {
                    request
                        .headers
                        .push(("content-encoding".to_owned(), Leaf::Text("gzip".to_owned())));
                    Body::Bytes(packed)
                }
                None => Body::Bytes(bytes),
            }
        });
        request.content = Some(Content {
            media_type: batch::media_type(self.deliver).to_owned(),
            body,
        });
        Ok(request)
    }

    /// The request of a batch, which no single alert has a say in.
    fn shared_request(&self) -> Result<Request, Error> {
        let Target::Call(call) = &self.deliver.target else {
            return Err(Error::Unknown(self.connection.name.clone()));
        };
        let scope = self.settings();
        let none = serde_json::Map::new();
        call.render(
            &scope,
            &none,
            self.connector.first_url().unwrap_or_default(),
        )
        .map_err(|source| self.shape(source))
    }

    fn settings(&self) -> Scope<'s> {
        let names = &self.deliver.event_names;
        let mut scope = Scope::new(names);
        if let Some((slot, _)) = names.find("settings") {
            scope.set(slot, Value::from_json(&self.connection.settings));
        }
        scope
    }

    fn shape(&self, source: crate::shape::Error) -> Error {
        Error::Shape {
            destination: self.connection.name.clone(),
            source,
        }
    }

    async fn write(&self, lines: Vec<u8>, rotate: Option<u64>, sync: bool) -> Result<(), Error> {
        let path = self.path()?;
        let to = path.clone();
        let written =
            tokio::task::spawn_blocking(move || file::append(&to, &lines, rotate, sync)).await;
        let failed = |source| Error::File {
            path: path.clone(),
            source: Arc::new(source),
        };
        match written {
            Ok(written) => written.map_err(failed),
            Err(_) => Err(failed(std::io::ErrorKind::Interrupted.into())),
        }
    }

    /// Where the lines go: relative to the folder of `andon.yaml`.
    fn path(&self) -> Result<std::path::PathBuf, Error> {
        let Target::File { path, .. } = &self.deliver.target else {
            return Err(Error::Unknown(self.connection.name.clone()));
        };
        let scope = self.settings();
        let path = path
            .data(&scope, Absent::Fault)
            .map_err(|source| self.shape(source))?;
        match path.as_ref().and_then(serde_json::Value::as_str) {
            Some(path) => Ok(self.snapshot.folder().join(path)),
            None => Err(Error::Empty(self.connection.name.clone())),
        }
    }
}

/// What is to be done about a failure that is no answer.
pub(super) fn verdict_on(error: &Error) -> Verdict {
    match error {
        Error::Web { source, .. } => match (source.again(), source.blame()) {
            (web::Again::No, _) => Verdict::Refuse,
            // Only a person can mend it; a probe a minute finds out when.
            (_, web::Blame::Admin) => Verdict::Stop,
            (web::Again::Later | web::Again::IfHarmless, _) => Verdict::Retry,
        },
        Error::File { .. } | Error::Store(_) => Verdict::Retry,
        Error::Unknown(_) => Verdict::Stop,
        Error::Shape { .. } | Error::Empty(_) | Error::TooLarge { .. } | Error::NotTaken { .. } => {
            Verdict::Refuse
        }
    }
}
