//! One request with a batch, and what became of it.

use std::sync::Arc;

use serde_json::Value as Json;

use super::answer::{self, Meaning};
use super::event::Event;
use super::lane::said;
use super::{Error, Way, batch, file};
use crate::connector::{Acknowledged, Framing, Target, Verdict};
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

/// What came of asking for acknowledgments.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The ids that were acknowledged.
    pub(super) acknowledged: Vec<Json>,
    /// Why nobody could say: what the manifest calls such an answer, and one clean line.
    pub(super) trouble: Option<(Verdict, String)>,
}

impl Asked {
    pub(super) fn trouble(verdict: Verdict, why: String) -> Self {
        Self {
            acknowledged: Vec::new(),
            trouble: Some((verdict, why)),
        }
    }
}

impl<'s> Way<'s> {
    /// Sends a batch once, under a channel where what is taken is acknowledged later.
    pub(super) async fn send(&self, events: &[&Event], channel: Option<&str>) -> Sent {
        match &self.deliver.target {
            Target::Call(_) => match self.request(events) {
                Ok(mut request) => {
                    self.put_channel(&mut request, channel);
                    match self.call(&request).await {
                        Ok(answer) => {
                            let meaning = answer::meaning(self, &answer, events.len());
                            Sent::Answered(Box::new(answer), meaning)
                        }
                        Err(error) => Sent::Failed(error),
                    }
                }
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

    async fn call(&self, request: &Request) -> Result<Answer, Error> {
        let Some(connection) = self.snapshot.web(&self.connection.name) else {
            return Err(Error::Unknown(self.connection.name.clone()));
        };
        connection
            .send(request, &self.snapshot.secrets, self.connection.timeout)
            .await
            .map_err(|source| Error::Web {
                destination: self.connection.name.clone(),
                source,
            })
    }

    /// How this destination acknowledges what it took; none where it is delivered once it is taken.
    pub(super) fn acknowledges(&self) -> Option<&'s Acknowledged> {
        let acknowledged = self.deliver.acknowledged.as_ref()?;
        acknowledged
            .is_used(&self.connection.settings)
            .then_some(acknowledged)
    }

    /// Asks which of these were acknowledged.
    pub(super) async fn ask(&self, channel: &str, ids: Vec<Json>) -> Asked {
        let Some(acknowledged) = self.acknowledges() else {
            return Asked::trouble(
                Verdict::Retry,
                "nothing is acknowledged any more".to_owned(),
            );
        };
        let first_url = self.connector.first_url().unwrap_or_default();
        let mut request = match acknowledged.request(&self.connection.settings, &ids, first_url) {
            Ok(request) => request,
            Err(source) => return Asked::trouble(Verdict::Stop, self.shape(source).line()),
        };
        self.put_channel(&mut request, Some(channel));
        match self.call(&request).await {
            Ok(answer) if (200..300).contains(&answer.status) => Asked {
                acknowledged: answer::acknowledged(self, &answer, &ids),
                trouble: None,
            },
            Ok(answer) => {
                let verdict = match answer::meaning(self, &answer, 0) {
                    Meaning::All { verdict, .. } => verdict,
                    Meaning::Each(_) => Verdict::Retry,
                };
                if verdict == Verdict::Renew {
                    self.renew(&answer).await;
                }
                Asked::trouble(verdict, said(&answer))
            }
            Err(error) => Asked::trouble(verdict_on(&error), error.line()),
        }
    }

    fn put_channel(&self, request: &mut Request, channel: Option<&str>) {
        // Most destinations have none, and need not be asked how they acknowledge.
        if let Some(channel) = channel
            && let Some(header) = self.acknowledges().and_then(|how| how.channel.as_ref())
        {
            request
                .headers
                .push((header.clone(), Leaf::Text(channel.to_owned())));
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
        let mut request = self.unpacked(events)?;
        // What web fills secrets into is JSON; the rest is bytes, and those may be compressed.
        if self.deliver.gzip
            && let Some(Content {
                body: Body::Bytes(bytes),
                ..
            }) = &mut request.content
            && let Some(packed) = batch::gzipped(bytes)
        {
            *bytes = packed;
            let encoding = Leaf::Text("gzip".to_owned());
            request
                .headers
                .push(("content-encoding".to_owned(), encoding));
        }
        Ok(request)
    }

    /// The request with these, before compression.
    pub(super) fn unpacked(&self, events: &[&Event]) -> Result<Request, Error> {
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
        request.content = Some(Content {
            media_type: batch::media_type(self.deliver).to_owned(),
            body: body.unwrap_or_else(|| Body::Bytes(batch::framed(self.deliver, events))),
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
    pub(super) fn path(&self) -> Result<std::path::PathBuf, Error> {
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
