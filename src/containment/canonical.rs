//! One text for one value, whatever the order of its keys; and its digest.

use serde_json::{Map, Value as Json};

/// `value` with the keys of every map in order.
pub(super) fn canonical(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(canonical).collect(),
        Json::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let sorted: Map<String, Json> = keys
                .into_iter()
                .filter_map(|key| Some((key.clone(), canonical(map.get(key)?))))
                .collect();
            Json::Object(sorted)
        }
        other => other.clone(),
    }
}

/// SHA-256 of the canonical text, in hexadecimal.
pub(super) fn digest(value: &Json) -> String {
    let text = canonical(value).to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        let one = digest(&json!({ "a": 1, "b": [{ "c": 2, "d": 3 }] }));
        assert_eq!(one, digest(&json!({ "b": [{ "d": 3, "c": 2 }], "a": 1 })));
        assert_ne!(one, digest(&json!({ "a": 1, "b": [{ "c": 2, "d": "3" }] })));
    }
}
