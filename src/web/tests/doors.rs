//! Door 4: foreign text in a query or a header stays one leaf.

use proptest::prelude::*;

use super::*;

proptest! {
    // Each case makes a connection, which reads the system's authorities.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn foreign_text_in_a_query_comes_back_as_one_leaf(name in any::<String>(), value in any::<String>()) {
        let clock = stopped();
        let kept = kept(&clock);
        let connection = connection(&clock, settings("https://soc.example/base"));
        let query = vec![(name.clone(), Leaf::Text(value.clone()))];
        let request = Request { query, ..get("/x") };
        let shown = connection.redacted(&request, &kept.secrets).unwrap();
        let url = url::Url::parse(&shown.url).unwrap();
        prop_assert_eq!((url.host_str(), url.path()), (Some("soc.example"), "/base/x"));
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, vec![(name, value)]);
    }

    #[test]
    fn foreign_text_in_a_header_is_one_line_or_refused(value in any::<String>()) {
        let clock = stopped();
        let kept = kept(&clock);
        let connection = connection(&clock, settings("https://soc.example"));
        let headers = vec![("x-reason".to_owned(), Leaf::Text(value.clone()))];
        match connection.redacted(&Request { headers, ..get("/x") }, &kept.secrets) {
            Ok(shown) => {
                prop_assert!(!value.contains(['\r', '\n', '\0']));
                prop_assert_eq!(shown.headers.get("x-reason"), Some(&value));
            }
            Err(error) => prop_assert!(value.chars().any(char::is_control), "{}", error),
        }
    }
}
