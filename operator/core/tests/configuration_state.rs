//! What MetalLB says of one wrong pool or Community, as data: the controller's ConfigurationState says exactly that.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the test says so.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads its cases from files")]

mod support;

use herald_core::control::{Controller, Effect, Input, LateWrites, Now, Options};
use herald_core::input;
use herald_core::input::objects::{Keep, Kind, Objects};
use serde::Deserialize;
use serde_json::Value;

/// Texts that print a structure of the Go program.
const OF_GO: [&str; 2] = ["duplicate definition of namespaceSelectors {", "in label selector "];

/// `errorSummary` once a controller leads where these objects are.
fn summary(manifests: &str) -> String {
    let options = input::Options { namespace: Some("metallb-system".into()) };
    let mut objects = Objects::new(&options, Keep { facts: true, ..Keep::default() });
    for document in serde_yaml::Deserializer::from_str(manifests) {
        let Ok(object) = Value::deserialize(document) else { continue };
        let kind = [Kind::IpAddressPool, Kind::Community, Kind::Namespace];
        if let Some(kind) = kind.into_iter().find(|kind| object["kind"] == kind.name()) {
            objects.apply(kind, &object);
        }
    }
    let mut controller =
        Controller::new(Options { namespace: "metallb-system".into(), ..Options::default() });
    let now = Now { at: 0, wall: "2026-06-01T00:00:00Z".parse().unwrap() };
    let effects = controller.step(now, Input::Lead { view: objects.view(), late: LateWrites::Impossible });
    let told = effects.into_iter().find_map(|effect| match effect {
        Effect::ConfigurationState(write) => write.status.error_summary,
        _ => None,
    });
    told.unwrap_or_default()
}

#[test]
fn one_problem_is_told_as_metallb_tells_it() {
    let Some(cases) = support::cases("metallb-config/parse") else { return };
    let (mut compared, mut failures) = (0, Vec::new());
    for entry in std::fs::read_dir(cases).unwrap() {
        let folder = entry.unwrap().path();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let case: Value = serde_json::from_str(&read("case.json")).unwrap();
        let Some(text) = case["errorText"].as_str() else { continue };
        let input = read("input.yaml");
        let said = summary(&input);
        let ours =
            ["parsing address pool", "CIDR ", "parsing community"].iter().any(|it| text.starts_with(it));
        // One of a BGPAdvertisement's list has the same words.
        let alias =
            text.starts_with("duplicate definition of community") && input.contains("kind: Community");
        // Several problems are all told, in full; what is wrong with other kinds is the nodes' business.
        if !(ours || alias) || said.lines().count() > 1 || OF_GO.iter().any(|it| text.contains(it)) {
            continue;
        }
        compared += 1;
        if said != format!("configuration error: {text}") {
            failures.push(format!("{}: {said:?} instead of {text:?}", folder.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(compared >= 9, "only {compared} cases");
}
