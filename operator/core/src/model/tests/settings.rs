//! FRRK8sConfiguration.

use super::leftovers::told;

fn settings(name: &str, namespace: &str, level: &str) -> String {
    format!(
        "---\n{{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRK8sConfiguration, metadata: {{name: {name}, namespace: {namespace}}}, \
         spec: {{logLevel: {level}}}}}\n"
    )
}

#[test]
fn the_level_of_the_log_comes_before_what_is_written_by_hand() {
    let raw = "---\n{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRConfiguration, metadata: {name: a, namespace: m}, \
               spec: {raw: {priority: -1000, rawConfig: 'log stdout notifications'}}}\n";
    let (text, said) = told(&(raw.to_owned() + &settings("config", "m", "warn")), true, Some("m"));
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
    assert!(at("log stdout warnings") < at("log stdout notifications"));
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn only_config_of_the_own_namespace_counts() {
    for other in [settings("other", "m", "warn"), settings("config", "shop", "warn")] {
        assert!(!told(&other, true, Some("m")).0.contains("log stdout"), "{other}");
    }
}
