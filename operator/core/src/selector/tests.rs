//! Selectors as the API server judges and matches them.

use super::{Selector, SelectorError, any_matches};
use crate::problem::Reason;
use crate::snapshot::Labels;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

fn written(selector: Value) -> LabelSelector {
    serde_json::from_value(selector).unwrap()
}

fn parse(selector: Value) -> Result<Selector, SelectorError> {
    Selector::parse(&written(selector))
}

fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]})
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn each_operator_matches_as_kubernetes_says() {
    // selector; matches no labels, zone=a, zone=b, zone=""
    let cases = [
        (json!({}), [true, true, true, true]),
        (json!({"matchLabels": {"zone": "a"}}), [false, true, false, false]),
        (json!({"matchLabels": {"zone": ""}}), [false, false, false, true]),
        (json!({"matchLabels": {"zone": "a", "rack": "1"}}), [false, false, false, false]),
        (expression("zone", "In", &["a", "b"]), [false, true, true, false]),
        (expression("zone", "NotIn", &["a"]), [true, false, true, true]),
        (expression("zone", "Exists", &[]), [false, true, true, true]),
        (expression("zone", "DoesNotExist", &[]), [true, false, false, false]),
    ];
    let objects = [vec![], vec![("zone", "a")], vec![("zone", "b")], vec![("zone", "")]];
    for (selector, wanted) in cases {
        let parsed = parse(selector.clone()).unwrap();
        let found = objects.clone().map(|object| parsed.matches(&labels(&object)));
        assert_eq!(found, wanted, "{selector}");
    }
}

#[test]
fn what_the_api_server_refuses_is_refused() {
    let long = "x".repeat(64);
    let cases = [
        (expression("zone", "in", &["a"]), "\"in\" is not a valid label selector operator"),
        (expression("zone", "", &[]), "\"\" is not a valid label selector operator"),
        (expression("zone", "In", &[]), "operator In needs at least one value"),
        (expression("zone", "NotIn", &[]), "operator NotIn needs at least one value"),
        (expression("zone", "Exists", &["a"]), "operator Exists takes no values"),
        (expression("zone", "DoesNotExist", &["a"]), "operator DoesNotExist takes no values"),
        (expression("", "Exists", &[]), "\"\" is not a valid label key"),
        (expression("a b", "Exists", &[]), "\"a b\" is not a valid label key"),
        (expression("UPPER.io/x", "Exists", &[]), "\"UPPER.io/x\" is not a valid label key"),
        (expression("a/b/c", "Exists", &[]), "\"a/b/c\" is not a valid label key"),
        (expression("/x", "Exists", &[]), "\"/x\" is not a valid label key"),
        (expression("x-", "Exists", &[]), "\"x-\" is not a valid label key"),
        (expression("zone", "In", &["a b"]), "\"a b\" is not a valid label value"),
        (json!({"matchLabels": {"zone": "-a"}}), "\"-a\" is not a valid label value"),
        (json!({"matchLabels": {"zone": long}}), &format!("\"{long}\" is not a valid label value")),
    ];
    for (selector, wanted) in cases {
        let error = parse(selector.clone()).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.reason()), (wanted, "InvalidSelector"), "{selector}");
    }
}

#[test]
fn every_name_that_labels_may_have_is_taken() {
    for key in ["a", "A.b_c-9", "kubernetes.io/hostname", "x.y-z.io/Name", &"x".repeat(63)] {
        assert!(parse(expression(key, "Exists", &[])).is_ok(), "{key}");
    }
    for value in ["", "a", "A.b_c-9", &"x".repeat(63)] {
        assert!(parse(json!({"matchLabels": {"a": value}})).is_ok(), "{value}");
    }
}

#[test]
fn in_a_list_nothing_may_stand_twice() {
    let twice = |what: Value| {
        let list: Vec<LabelSelector> = what.as_array().unwrap().iter().cloned().map(written).collect();
        Selector::parse_list("nodeSelectors", &list)
    };
    let a = json!({"matchLabels": {"zone": "a"}});
    let same_in_other_words = expression("zone", "In", &["a"]);
    let two = |x: Value, y: Value| json!({"matchExpressions": [x, y]});
    let exists = json!({"key": "zone", "operator": "Exists"});
    assert_eq!(twice(json!([a, {"matchLabels": {"zone": "b"}}])).unwrap().len(), 2);
    for (list, index) in [
        (json!([a, a]), 1),
        (json!([a, same_in_other_words]), 1),
        (json!([{}, a, {}]), 2),
        (json!([expression("zone", "In", &["a", "b", "a"])]), 0),
        (json!([a, two(exists.clone(), exists)]), 1),
    ] {
        let errors = twice(list.clone()).unwrap_err();
        let found: Vec<(usize, &str)> = errors.iter().map(|(i, e)| (*i, e.reason())).collect();
        assert_eq!(found, [(index, "DuplicateSelector")], "{list}");
        assert!(errors[0].1.to_string().starts_with("duplicate definition of "), "{}", errors[0].1);
    }
}

#[test]
fn an_empty_list_matches_everything_and_others_are_alternatives() {
    let zone = |value: &str| parse(json!({"matchLabels": {"zone": value}})).unwrap();
    assert!(any_matches(&[], &labels(&[])));
    assert!(any_matches(&[zone("a"), zone("b")], &labels(&[("zone", "b")])));
    assert!(!any_matches(&[zone("a"), zone("b")], &labels(&[("zone", "c")])));
    assert!(parse(json!({})).unwrap().is_everything());
    assert!(!zone("a").is_everything());
}

#[test]
fn a_selector_reads_as_kubectl_takes_it() {
    let selector = json!({
        "matchLabels": {"app": "web"},
        "matchExpressions": [
            {"key": "zone", "operator": "In", "values": ["b", "a"]},
            {"key": "rack", "operator": "NotIn", "values": ["1"]},
            {"key": "gpu", "operator": "DoesNotExist"},
            {"key": "ssd", "operator": "Exists"},
        ],
    });
    let text = parse(selector).unwrap().to_string();
    for part in ["app=web", "zone in (a,b)", "rack notin (1)", "!gpu", "ssd"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
