//! What a ConfigurationState says: MetalLB's words where there is one problem, all of them otherwise.

mod words;

use crate::problem::{ObjectRef, Problem, Step};
use crate::selector::Selector;
use crate::snapshot::{Configuration, Meta};
use herald_crds::metallb::{ConfigurationResult, ConfigurationStateStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use k8s_openapi::jiff::Timestamp;
use words::{NO_ADDRESSES, without_advice};

/// The condition of the one who reads pools, the controller (MetalLB, `ConfigurationState`).
pub const POOLS: &str = "poolReconcilerValid";
/// The condition of the one who reads everything, a node's agent.
pub const EVERYTHING: &str = "configReconcilerValid";
/// What every message starts with.
const PREFIX: &str = "configuration error: ";

/// The status for these problems. `shown` is what stands there: conditions of others stay, and the time of ours moves only
/// when its status does.
#[must_use]
pub fn status(
    reader: &str,
    errors: &[String],
    shown: Option<&ConfigurationStateStatus>,
    now: Timestamp,
) -> ConfigurationStateStatus {
    let (status, reason) =
        if errors.is_empty() { ("True", "Reconciled") } else { ("False", "ConfigurationError") };
    let mut conditions = shown.map(|shown| shown.conditions.clone()).unwrap_or_default();
    let known = conditions.iter().find(|condition| condition.type_ == reader && condition.status == status);
    let since = known.map(|condition| condition.last_transition_time.clone());
    let wall = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let condition = Condition {
        type_: reader.into(),
        status: status.into(),
        reason: reason.into(),
        message: errors.join("\n"),
        observed_generation: None,
        last_transition_time: since.unwrap_or(Time(wall)),
    };
    match conditions.iter_mut().find(|condition| condition.type_ == reader) {
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
    let result = if errors.is_empty() { ConfigurationResult::Valid } else { ConfigurationResult::Invalid };
    ConfigurationStateStatus { result: Some(result), error_summary: Some(errors.join("\n")), conditions }
}

/// One line per problem: a single one as MetalLB says it, several each with object and field.
#[must_use]
pub fn texts(problems: &[&Problem], configuration: &Configuration) -> Vec<String> {
    match problems {
        [only] => vec![format!("{PREFIX}{}", as_metallb_says(only, configuration))],
        several => several.iter().map(|problem| format!("{PREFIX}{}", in_full(problem))).collect(),
    }
}

/// Whether a problem is this node's business: the object that has it may select other nodes.
#[must_use]
pub fn concerns(problem: &Problem, node: &str, configuration: &Configuration) -> bool {
    if !problem.nodes.is_empty() {
        return problem.nodes.iter().any(|name| **name == *node);
    }
    let Some(labels) = configuration.nodes.iter().find(|it| &*it.name == node).map(|it| &it.labels) else {
        return true;
    };
    let is_it = |meta: &Meta| problem.object.as_ref() == Some(&meta.object);
    // A selector that cannot be read selects nobody knows whom.
    let passes_by = |selector: &LabelSelector| Selector::parse(selector).is_ok_and(|it| !it.matches(labels));
    let peers = configuration.peers.iter().filter(|peer| is_it(&peer.meta));
    let elsewhere = |selectors: &[LabelSelector]| !selectors.is_empty() && selectors.iter().all(passes_by);
    let by_peer = peers.into_iter().any(|peer| elsewhere(&peer.spec.node_selectors));
    let frr = configuration.frr_configurations.iter().filter(|it| is_it(&it.meta));
    let by_frr = frr.filter_map(|it| it.spec.node_selector.as_ref()).any(passes_by);
    !(by_peer || by_frr)
}

/// With object and field.
#[must_use]
pub fn in_full(problem: &Problem) -> String {
    let object = problem.object.as_ref().map(|object| format!("{object}: ")).unwrap_or_default();
    let field = if problem.field.0.is_empty() { String::new() } else { format!("{}: ", problem.field) };
    format!("{object}{field}{}", problem.message)
}

/// MetalLB names no second object, and puts what it was reading before the error.
fn as_metallb_says(problem: &Problem, configuration: &Configuration) -> String {
    let Some(object) = &problem.object else { return in_full(problem) };
    let message = &problem.message;
    match (object.kind, problem.reason) {
        (kind, "OverlappingAddresses" | "DuplicateCommunity") => {
            let other = [format!(" of {kind} "), format!(" ({kind} ")];
            let end = other.iter().find_map(|whose| message.rfind(whose)).unwrap_or(message.len());
            message[..end].to_owned()
        }
        ("IPAddressPool", _) => {
            // Of the required fields it has one.
            let none = message == "is required";
            let why = if none { NO_ADDRESSES.to_owned() } else { without_advice(message) };
            format!("parsing address pool {}: {why}", object.name)
        }
        (_, "InvalidCommunity") => {
            let alias = alias(problem, object, configuration).unwrap_or_default();
            format!("parsing community {alias:?}: {}", without_advice(message))
        }
        ("BGPPeer", "SecretNotFound" | "InvalidSecretType" | "SecretWithoutPassword") => {
            of_secret(object, message)
        }
        ("BGPPeer", "UnknownBFDProfile") => message.clone(),
        ("BGPPeer", "DuplicatePeer" | "ConflictingRouterID" | "ConflictingASN") => {
            message.rfind(" (").map_or(&**message, |end| &message[..end]).to_owned()
        }
        ("BGPAdvertisement", "UnknownCommunity") => of_alias(message),
        _ => in_full(problem),
    }
}

/// What is wrong, then what that was needed for, on a line of its own.
fn of_secret(peer: &ObjectRef, message: &str) -> String {
    let name = &peer.name;
    let why = message.split(" (failed to parse").next().unwrap_or(message);
    // MetalLB does not say which Secret is not there, and ends the other sentence with a blank.
    let why = why.split(": there is no Secret").next().unwrap_or(why);
    let blank = if why.ends_with("is expected") { " " } else { "" };
    format!("parsing peer {name} {why}{blank}\nfailed to parse peer {name} password secret")
}

/// Why it is no community, then where it stands.
fn of_alias(message: &str) -> String {
    let (place, why) = message.split_once(" in BGP advertisement: ").unwrap_or((message, ""));
    let why = why.split(", and no Community").next().unwrap_or(why);
    format!("{why}\n{place} in BGP advertisement")
}

/// The name of the alias that a problem of a Community is about.
fn alias(problem: &Problem, object: &ObjectRef, configuration: &Configuration) -> Option<String> {
    let index = problem.field.0.iter().find_map(|step| match step {
        Step::Index(index) => Some(*index),
        Step::Key(_) => None,
    })?;
    let community = configuration.communities.iter().find(|community| community.meta.object == *object)?;
    community.spec.communities.get(index)?.name.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{self, SourceText, parse};
    use crate::model::{InForce, Model, Options};
    use crate::problem::Severity;

    const NODES: &str = "
apiVersion: v1
kind: Node
metadata: {name: node-1, labels: {kubernetes.io/hostname: node-1}}
---
apiVersion: v1
kind: Node
metadata: {name: node-2, labels: {kubernetes.io/hostname: node-2}}
---
";

    /// What the state of a node says of these objects.
    fn says(node: &str, objects: &str) -> String {
        let text = SourceText { file: "all.yaml".into(), text: format!("{NODES}{objects}").into() };
        let snapshot = parse(&[text], &input::Options::default()).snapshot;
        let built = Model::build_configuration(&snapshot, &InForce::default(), &Options::default());
        let errors = built.problems.iter().filter(|problem| problem.severity == Severity::Error);
        let ours: Vec<&Problem> =
            errors.filter(|problem| concerns(problem, node, &snapshot.configuration)).collect();
        texts(&ours, &snapshot.configuration).join("\n")
    }

    fn peer(name: &str, more: &str) -> String {
        format!(
            "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: {name}, namespace: metallb-system}}\n\
             spec: {{myASN: 64512, peerASN: 64513, peerAddress: 192.168.1.1{more}}}\n"
        )
    }

    // C1
    #[test]
    fn a_secret_of_the_wrong_type_is_told_as_metallb_does_and_only_by_the_nodes_of_the_peer() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: bgp-password, namespace: metallb-system}\n\
            type: Opaque\nstringData: {password: mypassword}\n---\n";
        let on_one = ", passwordSecret: {name: bgp-password}, nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-1}}]";
        let objects = secret.to_owned() + &peer("peer1", on_one);
        assert_eq!(
            says("node-1", &objects),
            "configuration error: parsing peer peer1 secret type mismatch on \"metallb-system\"/\"bgp-password\", type \
             \"kubernetes.io/basic-auth\" is expected \nfailed to parse peer peer1 password secret"
        );
        assert_eq!(says("node-2", &objects), "");
    }

    // C2
    #[test]
    fn a_missing_bfd_profile_is_told_as_metallb_does() {
        assert_eq!(
            says("node-1", &peer("peer1", ", bfdProfile: my-bfd-profile")),
            "configuration error: peer peer1 referencing non existing bfd profile my-bfd-profile"
        );
    }

    // C4
    #[test]
    fn an_undefined_community_is_told_as_metallb_does() {
        let advertisement = "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
            metadata: {name: test, namespace: metallb-system}\nspec: {communities: [my-valid-alias]}\n";
        assert_eq!(
            says("node-1", advertisement),
            "configuration error: invalid community format: my-valid-alias\ninvalid community \"my-valid-alias\" in BGP \
             advertisement"
        );
    }

    // C5
    #[test]
    fn a_missing_secret_is_told_as_metallb_does_and_of_two_peers_both_are_named() {
        let missing = peer("bgp-secret-fail", ", passwordSecret: {name: none}");
        assert_eq!(
            says("node-1", &missing),
            "configuration error: parsing peer bgp-secret-fail secret ref not found for peer config \
             \"metallb-system\"/\"bgp-secret-fail\"\nfailed to parse peer bgp-secret-fail password secret"
        );
        let other = peer("bgp-bfd", ", bfdProfile: none").replace("192.168.1.1", "192.168.1.2");
        let both = says("node-1", &(missing + "---\n" + &other));
        assert!(
            both.lines().count() == 2 && both.contains("bgp-secret-fail") && both.contains("bgp-bfd"),
            "{both}"
        );
    }
}
