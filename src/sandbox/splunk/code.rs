//! The answers of HEC: code, HTTP status, text.

use axum::response::Response;
use serde_json::{Map, Value};

use crate::sandbox::body;

/// A code of HEC. Texts of 0 to 22 from a published reply-code look-up, 23 to 27 from Splunk's
/// "Troubleshoot HTTP Event Collector", 28 measured on Splunk Cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's text below says what it is")]
pub enum Code {
    Success,
    TokenDisabled,
    TokenIsRequired,
    InvalidAuthorization,
    InvalidToken,
    NoData,
    InvalidDataFormat,
    IncorrectIndex,
    InternalServerError,
    ServerIsBusy,
    ChannelMissing,
    InvalidChannel,
    EventRequired,
    EventBlank,
    AckDisabled,
    IndexedFields,
    QueryStringAuthorization,
    Healthy,
    UnhealthyQueues,
    UnhealthyAck,
    UnhealthyBoth,
    ShuttingDown,
    QueueNearCapacity,
    AckNearCapacity,
    QueueAtCapacity,
    AckAtCapacity,
    ChannelMissingCloud,
}

impl Code {
    /// The number in the body, the HTTP status, the text.
    pub fn parts(self) -> (u8, u16, &'static str) {
        match self {
            Self::Success => (0, 200, "Success"),
            Self::TokenDisabled => (1, 403, "Token disabled"),
            Self::TokenIsRequired => (2, 401, "Token is required"),
            Self::InvalidAuthorization => (3, 401, "Invalid authorization"),
            Self::InvalidToken => (4, 403, "Invalid token"),
            Self::NoData => (5, 400, "No data"),
            Self::InvalidDataFormat => (6, 400, "Invalid data format"),
            Self::IncorrectIndex => (7, 400, "Incorrect index"),
            Self::InternalServerError => (8, 500, "Internal server error"),
            Self::ServerIsBusy => (9, 503, "Server is busy"),
            Self::ChannelMissing => (10, 400, "Data channel is missing"),
            Self::InvalidChannel => (11, 400, "Invalid data channel"),
            Self::EventRequired => (12, 400, "Event field is required"),
            Self::EventBlank => (13, 400, "Event field cannot be blank"),
            Self::AckDisabled => (14, 400, "ACK is disabled"),
            Self::IndexedFields => (15, 400, "Error in handling indexed fields"),
            Self::QueryStringAuthorization => {
                (16, 400, "Query string authorization is not enabled")
            }
            Self::Healthy => (17, 200, "HEC is healthy"),
            Self::UnhealthyQueues => (18, 503, "HEC is unhealthy, queues are full"),
            Self::UnhealthyAck => (19, 503, "HEC is unhealthy, ack service unavailable"),
            Self::UnhealthyBoth => (
                20,
                503,
                "HEC is unhealthy, queues are full, ack service unavailable",
            ),
            Self::ShuttingDown => (23, 503, "Server is shutting down"),
            Self::QueueNearCapacity => (24, 200, "Queue approaching capacity"),
            Self::AckNearCapacity => (25, 200, "ACK approaching capacity"),
            Self::QueueAtCapacity => (26, 429, "Queue at capacity"),
            Self::AckAtCapacity => (27, 429, "ACK channel at capacity"),
            Self::ChannelMissingCloud => (
                28,
                400,
                "Data channel is missing; sticky session load balancers must be provisioned",
            ),
        }
    }

    /// Whether the events of the request were taken.
    pub fn is_success(self) -> bool {
        self.parts().1 == 200
    }

    pub(super) fn answer(self) -> Response {
        self.answer_with(None, None)
    }

    pub(super) fn answer_with(self, invalid: Option<u64>, ack: Option<u64>) -> Response {
        let (code, status, text) = self.parts();
        let mut answer = Map::new();
        answer.insert("text".to_owned(), text.into());
        answer.insert("code".to_owned(), code.into());
        if let Some(number) = invalid {
            answer.insert("invalid-event-number".to_owned(), number.into());
        }
        if let Some(id) = ack {
            answer.insert("ackId".to_owned(), id.into());
        }
        body::json(status, &Value::Object(answer))
    }
}
