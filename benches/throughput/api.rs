//! What a caller learns from Andon's API, with the token that Andon writes beside its store.

use std::fs;
use std::io;

use serde_json::Value;

use crate::house::House;
use crate::wire::Connection;

/// A kept connection.
pub struct Api {
    connection: Connection,
    header: String,
}

impl Api {
    pub async fn of(house: &House) -> io::Result<Self> {
        let token = fs::read_to_string(house.path().join("data/andon.db.token"))?;
        Ok(Self {
            connection: Connection::connect(house.port).await?,
            header: format!("Authorization: Bearer {}\r\n", token.trim()),
        })
    }

    /// One exchange; an answer other than 200 is an error. `line` is method and path.
    pub async fn call(&mut self, line: &str, body: &str) -> io::Result<Value> {
        let answer = self.connection.call(line, &self.header, body).await?;
        if answer.status() != 200 {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(io::Error::other(format!(
                "{line} is answered {}: {said}",
                answer.first_line
            )));
        }
        serde_json::from_slice(&answer.body).map_err(io::Error::other)
    }

    /// A number of `GET /v1/status`.
    pub async fn count(&mut self, pointer: &str) -> io::Result<usize> {
        let status = self.call("GET /v1/status", "").await?;
        status
            .pointer(pointer)
            .and_then(Value::as_u64)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| io::Error::other(format!("/v1/status says no {pointer}")))
    }
}
