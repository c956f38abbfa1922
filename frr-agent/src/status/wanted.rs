//! What should stand in the API about the node and its sessions.

use super::object::{Body, Id, NodeState, peer, vrf};
use super::told::{Reload, Told};
use crate::conditions::is_said;
use crate::confirm;
use crate::live::{Facts, SessionFacts};
use herald_core::configuration_state::{self, EVERYTHING, concerns, in_full, texts};
use herald_core::problem::{Problem, Severity};
use herald_crds::frrk8s::{BGPSessionStateStatus, FRRNodeStateStatus};
use herald_crds::metallb::ConfigurationStateStatus;
use herald_frr::config::NeighborId;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use std::collections::BTreeMap;

/// The word for a change that went well (frr-k8s, `FRRNodeState`).
const SUCCESS: &str = "success";
/// A problem list in a status ends here: an object has room for 1.5 MB.
const LONGEST: usize = 32 * 1024;

/// The BGPSessionState of every session of the configuration that FRR has.
pub fn sessions(node: &str, facts: &Facts) -> BTreeMap<Id, Body> {
    let ours = facts.sessions.iter().filter(|session| session.configured && session.state != "Absent");
    let status = |session: &SessionFacts| BGPSessionStateStatus {
        bgp_status: Some(session.state.to_owned()),
        bfd_status: Some(bfd(session, facts).to_owned()),
        node: Some(node.to_owned()),
        peer: Some(peer(&session.session.neighbor)),
        vrf: Some(vrf(&session.session)),
    };
    ours.map(|one| (Id::Session(one.session.clone()), Body::Session(Box::new(status(one))))).collect()
}

/// BFD in bgpd's words: `Unknown` until bfdd has said something of the session.
fn bfd(session: &SessionFacts, facts: &Facts) -> &'static str {
    let router = facts.sent.config.routers.get(&session.session.vrf);
    let neighbor = router.and_then(|router| router.neighbors.get(&session.session.neighbor));
    if neighbor.is_none_or(|neighbor| neighbor.bfd_profile.is_none()) {
        return "N/A";
    }
    let vrf = session.session.vrf.as_ref().map(ToString::to_string);
    let is_it = |interface: Option<&str>, address| match &session.session.neighbor {
        NeighborId::Address(of) => *of == address,
        NeighborId::Interface(of) => interface == Some(of.as_str()),
    };
    let found = facts.bfd.iter().find(|one| one.vrf == vrf && is_it(one.interface.as_deref(), one.peer));
    match found.map(|one| (one.state, &one.diagnostic)) {
        Some(("Up", _)) => "Up",
        Some(("Shutdown", _)) => "Admin Down",
        // Never up: bgpd has not heard of it.
        Some((_, None)) if session.state != "Established" => "Unknown",
        Some(_) => "Down",
        None => "Unknown",
    }
}

/// The ConfigurationState of the node: everything but FRRConfigurations, of which the FRRNodeState tells, and Services,
/// which have conditions of their own.
pub fn configuration(
    node: &str,
    told: &Told,
    shown: Option<&ConfigurationStateStatus>,
    now: Timestamp,
) -> Body {
    let ours = errors(node, told, |kind| !matches!(kind, "FRRConfiguration" | "Service" | "EndpointSlice"));
    let errors = shortened(texts(&ours, &told.configuration));
    Body::Configuration(Box::new(configuration_state::status(EVERYTHING, &errors, shown, now)))
}

/// The FRRNodeState; `running` is the digest of its running configuration.
pub fn node_state(
    node: &str,
    (told, facts): (&Told, &Facts),
    running: [u8; 32],
    shown: Option<&NodeState>,
    now: Timestamp,
) -> Body {
    let failed = errors(node, told, |kind| kind == "FRRConfiguration");
    let conversion = match &failed[..] {
        [] => SUCCESS.to_owned(),
        several => {
            let lines = shortened(several.iter().map(|problem| in_full(problem)).collect());
            format!("failed: {}", lines.join("\n"))
        }
    };
    let reload = reload(told);
    let mut conditions = vec![
        verdict("Converted", (conversion == SUCCESS, "Converted", "ConversionFailed"), &conversion),
        verdict("Applied", (reload == SUCCESS, "Applied", "ApplyFailed"), &reload),
        // Why changes from one attempt to the next: it stands in the log.
        if facts.failure.is_none() {
            verdict("FRRAnswers", (true, "FRRAnswers", ""), "FRR says what it does")
        } else {
            let why = "vtysh gets no answer: the agent's log and live.json in its state folder say why";
            verdict("FRRAnswers", (false, "", "FRRDoesNotAnswer"), why)
        },
    ];
    conditions.extend(of_objects(told));
    let known = shown.map(|shown| &shown.status.conditions[..]).unwrap_or_default();
    for condition in &mut conditions {
        let same = known.iter().find(|it| it.type_ == condition.type_ && it.status == condition.status);
        let wall = Timestamp::from_second(now.as_second()).unwrap_or(now);
        condition.last_transition_time = same.map_or(Time(wall), |it| it.last_transition_time.clone());
    }
    let status = FRRNodeStateStatus {
        running_config: None,
        last_reload_result: Some(reload),
        last_conversion_result: Some(conversion),
        conditions,
    };
    Body::NodeState(Box::new(NodeState { status, running }))
}

/// An object that FRR refused is held at the form before: the last change is not all in force although the rest is.
fn reload(told: &Told) -> String {
    let held: Vec<String> = told
        .conditions
        .iter()
        .filter(|condition| condition.kind == "Applied" && condition.status == "False")
        .map(|condition| format!("ERROR: {}: {}", condition.object, condition.message))
        .collect();
    match &told.reload {
        Reload::Failed(why) => why.to_string(),
        _ if !held.is_empty() => shortened(held).join("\n"),
        _ => SUCCESS.to_owned(),
    }
}

/// What became of objects, by type: drift that is left, edits that were taken back; and what is said of them: that they are
/// deprecated, or ignored.
fn of_objects(told: &Told) -> Vec<Condition> {
    let mut types: BTreeMap<&str, Vec<&confirm::Condition>> = BTreeMap::new();
    for condition in told.conditions.iter().filter(|condition| condition.kind != "Applied") {
        types.entry(&condition.kind).or_default().push(condition);
    }
    let one = |(kind, all): (&str, Vec<&confirm::Condition>)| {
        let said = all.iter().find(|_| is_said(kind)).map(|condition| &*condition.reason);
        let news = all.iter().filter(|condition| said.is_some() || condition.status == "False");
        let lines: Vec<String> =
            news.map(|condition| format!("{}: {}", condition.object, condition.message)).collect();
        let good = said.is_some() || lines.is_empty();
        let message =
            if lines.is_empty() { "nothing to tell".to_owned() } else { shortened(lines).join("\n") };
        verdict(kind, (good, said.unwrap_or(kind), &format!("Not{kind}")), &message)
    };
    types.into_iter().map(one).collect()
}

fn verdict(kind: &str, (good, yes, no): (bool, &str, &str), message: &str) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if good { "True" } else { "False" }.to_owned(),
        reason: if good { yes } else { no }.to_owned(),
        message: message.to_owned(),
        observed_generation: None,
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
    }
}

fn errors<'a>(node: &str, told: &'a Told, is_meant: impl Fn(&str) -> bool) -> Vec<&'a Problem> {
    let is_error = |problem: &&Problem| {
        let kind = problem.object.as_ref().map(|object| object.kind);
        problem.severity == Severity::Error
            && kind.is_some_and(&is_meant)
            && concerns(problem, node, &told.configuration)
    };
    told.problems.iter().filter(is_error).collect()
}

/// As many as fit, and how many more there are.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    let mut length = 0;
    let mut fits = |line: &String| {
        length += line.len() + 1;
        length <= LONGEST
    };
    let fit = lines.iter().take_while(|line| fits(line)).count();
    let more = lines.len() - fit;
    if more > 0 {
        lines.truncate(fit);
        lines.push(format!("and {more} more: the agent's log and herald validate name them"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deprecated_or_ignored_is_named_and_a_lost_edit_is_bad() {
        let condition = |object: &str, [kind, status, reason]: [&str; 3]| confirm::Condition {
            object: object.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: "so it is".to_owned(),
            last_transition_time: String::new(),
        };
        let told = Told {
            conditions: [
                condition("ConfigMap m/bgpextras", ["Deprecated", "True", "DeprecatedBGPExtras"]),
                condition("FRRConfiguration m/metallb-a", ["Ignored", "True", "SpeakerLeftover"]),
                condition("FRRConfiguration m/metallb-b", ["Ignored", "True", "SpeakerLeftover"]),
                condition("BGPPeer m/tor", ["CommitConfirmed", "False", "SessionsLost"]),
                condition("Node a", ["InSync", "True", "InSync"]),
            ]
            .into(),
            ..Told::default()
        };
        let said: Vec<String> = of_objects(&told)
            .iter()
            .map(|it| format!("{} {} {}: {}", it.type_, it.status, it.reason, it.message.replace('\n', "; ")))
            .collect();
        assert_eq!(
            said,
            [
                "CommitConfirmed False NotCommitConfirmed: BGPPeer m/tor: so it is",
                "Deprecated True DeprecatedBGPExtras: ConfigMap m/bgpextras: so it is",
                "Ignored True SpeakerLeftover: FRRConfiguration m/metallb-a: so it is; FRRConfiguration m/metallb-b: so it is",
                "InSync True InSync: nothing to tell",
            ]
        );
    }
}
