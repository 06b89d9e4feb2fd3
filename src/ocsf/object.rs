//! A JSON object being written: attributes in order, without repeating how.

use serde_json::{Map, Value};

#[derive(Debug)]
pub(super) struct Object(Map<String, Value>);

impl Object {
    /// An empty one with room for so many attributes.
    pub(super) fn with(capacity: usize) -> Self {
        Self(Map::with_capacity(capacity))
    }

    pub(super) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Leaves the attribute out where there is no value.
    pub(super) fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}
