//! A ledger that is kept in a file: Services with status, apart from the manifests that declare them.

use crate::input::{self, Parsed, SourceText};
use crate::snapshot::{Service, ServiceKey, Snapshot};
use herald_frr::shared::SharedMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The name of the file in a folder that holds its ledger.
pub const ALLOCATIONS: &str = "allocations.yaml";

/// Recorded addresses by Service.
pub type Recorded = BTreeMap<ServiceKey, Vec<IpAddr>>;

/// Reads manifests, those of a folder with its ledger: what that records counts as the Services' status.
#[must_use]
pub fn read(texts: Vec<SourceText>, options: &input::Options) -> Parsed {
    let (ledger, manifests) = split(texts);
    let ledger = input::parse(&ledger, options);
    let mut parsed = input::parse(&manifests, options);
    adopt(&mut parsed.snapshot, &of_services(&ledger.snapshot.services));
    parsed.problems.extend(ledger.problems);
    parsed
}

/// Whether a file is a folder's ledger, by its name.
pub(crate) fn is_ledger(file: &str) -> bool {
    file.rsplit('/').next() == Some(ALLOCATIONS)
}

/// Parts the ledger's files, by their name, from the manifests.
fn split(texts: Vec<SourceText>) -> (Vec<SourceText>, Vec<SourceText>) {
    texts.into_iter().partition(|text| is_ledger(&text.file))
}

/// Gives Services the addresses that are recorded for them. A Service's own status comes first.
pub fn adopt(snapshot: &mut Snapshot, recorded: &Recorded) {
    for service in snapshot.services.values_mut().filter(|service| service.ingress.is_empty()) {
        let found =
            names_of(&ServiceKey::of(&service.meta.object)).into_iter().find_map(|key| recorded.get(&key));
        if let Some(found) = found {
            let service = Arc::make_mut(service);
            service.ingress = found.iter().copied().map(Ok).collect();
            service.adopted = true;
        }
    }
}

/// Lets Services that the manifests do not declare keep their addresses: adds them, and says which they are,
/// for [`super::Options::held`].
pub fn hold(snapshot: &mut Snapshot, others: Vec<Arc<Service>>) -> BTreeSet<ServiceKey> {
    let declared: BTreeSet<ServiceKey> = snapshot.services.keys().cloned().collect();
    let mut names = BTreeSet::new();
    for service in others.into_iter().filter(|service| !service.ingress.is_empty()) {
        let key = ServiceKey::of(&service.meta.object);
        if !names_of(&key).iter().any(|key| declared.contains(key)) {
            snapshot.services.insert(key.clone(), service);
            names.insert(key);
        }
    }
    names
}

/// The names that a record may have for a Service: kubectl prints the namespace that a manifest leaves out.
pub(crate) fn names_of(service: &ServiceKey) -> [ServiceKey; 2] {
    let other: Arc<str> = match &*service.namespace {
        "" => "default".into(),
        "default" => "".into(),
        _ => service.namespace.clone(),
    };
    [service.clone(), ServiceKey { namespace: other, name: service.name.clone() }]
}

/// What Services' own status records.
#[must_use]
pub fn of_services(services: &SharedMap<ServiceKey, Arc<Service>>) -> Recorded {
    let entry = |(key, service): (&ServiceKey, &Arc<Service>)| {
        let ips: Vec<IpAddr> = service.ingress.iter().flatten().copied().collect();
        (!ips.is_empty()).then(|| (key.clone(), ips))
    };
    services.iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Options, parse};

    fn snapshot(services: &[(&str, &str, &str)]) -> Snapshot {
        let document = |(namespace, name, ip): &(&str, &str, &str)| {
            let metadata = format!("metadata: {{name: {name}, namespace: {namespace:?}}}\n");
            let status = format!("status: {{loadBalancer: {{ingress: [{{ip: {ip}}}]}}}}\n");
            let status = if ip.is_empty() { String::new() } else { status };
            format!("---\napiVersion: v1\nkind: Service\n{metadata}spec: {{type: LoadBalancer}}\n{status}")
        };
        let text: String = services.iter().map(document).collect();
        parse(&[SourceText { file: "services.yaml".into(), text: text.into() }], &Options::default()).snapshot
    }

    fn addresses(snapshot: &Snapshot) -> Vec<String> {
        let ips = |s: &Arc<Service>| {
            s.ingress.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        snapshot.services.values().map(|s| format!("{} {}", s.meta.object.name, ips(s))).collect()
    }

    #[test]
    fn only_the_file_of_that_name_is_the_ledger() {
        let text = |file: &str| SourceText { file: file.into(), text: "".into() };
        let all =
            ["a/allocations.yaml", "allocations.yaml", "a/my-allocations.yaml", "allocations.yaml/b.yaml"];
        let (ledger, manifests) = split(all.into_iter().map(text).collect());
        let files = |texts: Vec<SourceText>| texts.iter().map(|t| t.file.to_string()).collect::<Vec<_>>();
        assert_eq!(files(ledger), ["a/allocations.yaml", "allocations.yaml"]);
        assert_eq!(files(manifests).len(), 2);
    }

    #[test]
    fn a_status_comes_before_a_record_and_no_namespace_is_the_default_one() {
        let mut declared = snapshot(&[("", "a", ""), ("ns", "b", "10.0.0.9"), ("ns", "c", "")]);
        let recorded =
            snapshot(&[("default", "a", "10.0.0.1"), ("ns", "b", "10.0.0.2"), ("other", "c", "10.0.0.3")]);
        adopt(&mut declared, &of_services(&recorded.services));
        assert_eq!(addresses(&declared), ["a 10.0.0.1", "b 10.0.0.9", "c "]);
    }

    #[test]
    fn services_that_are_not_declared_are_held_if_they_have_addresses() {
        let mut declared = snapshot(&[("ns", "b", "")]);
        let state = snapshot(&[("ns", "a", "10.0.0.1"), ("ns", "b", "10.0.0.2"), ("ns", "c", "")]);
        let held = hold(&mut declared, state.services.values().cloned().collect());
        assert_eq!(held.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ns/a"]);
        assert_eq!(addresses(&declared), ["a 10.0.0.1", "b "]);
    }
}
