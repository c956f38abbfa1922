//! A ledger that is kept in a file: Services with status, apart from the manifests that declare them.

use crate::input::{self, Parsed, SourceText};
use crate::model::ServiceKey;
use crate::problem::ObjectRef;
use crate::snapshot::{Service, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The name of the file in a folder that holds its ledger.
pub const ALLOCATIONS: &str = "allocations.yaml";

/// Recorded addresses by namespace and name of the Service.
pub type Recorded = BTreeMap<(Arc<str>, Arc<str>), Vec<IpAddr>>;

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

/// Parts the ledger's files, by their name, from the manifests.
fn split(texts: Vec<SourceText>) -> (Vec<SourceText>, Vec<SourceText>) {
    let is_ledger = |file: &str| file.rsplit('/').next() == Some(ALLOCATIONS);
    texts.into_iter().partition(|text| is_ledger(&text.file))
}

/// Gives Services the addresses that are recorded for them. A Service's own status comes first.
pub fn adopt(snapshot: &mut Snapshot, recorded: &Recorded) {
    for service in &mut snapshot.services {
        let object = &service.meta.object;
        if !service.ingress.is_empty() {
            continue;
        }
        let found = keys(object).into_iter().find_map(|key| recorded.get(&key));
        service.ingress = found.into_iter().flatten().copied().map(Ok).collect();
    }
}

/// Lets Services that the manifests do not declare keep their addresses: adds them, and says which they are,
/// for [`super::Options::held`].
pub fn hold(snapshot: &mut Snapshot, others: Vec<Service>) -> BTreeSet<ServiceKey> {
    let key = |service: &Service| key_of(&service.meta.object);
    let declared: BTreeSet<_> = snapshot.services.iter().map(key).collect();
    let unknown = |service: &Service| !keys(&service.meta.object).iter().any(|key| declared.contains(key));
    let held = others.into_iter().filter(|service| !service.ingress.is_empty() && unknown(service));
    let held: Vec<Service> = held.collect();
    let names = held.iter().map(key).map(|(namespace, name)| ServiceKey { namespace, name }).collect();
    snapshot.services.extend(held);
    snapshot.services.sort_by_cached_key(key);
    names
}

fn key_of(object: &ObjectRef) -> (Arc<str>, Arc<str>) {
    (object.namespace.clone(), object.name.clone())
}

/// The names that a record may have for an object: kubectl prints the namespace that a manifest leaves out.
fn keys(object: &ObjectRef) -> [(Arc<str>, Arc<str>); 2] {
    let (namespace, name) = key_of(object);
    let other = match &*namespace {
        "" => "default".into(),
        "default" => "".into(),
        _ => namespace.clone(),
    };
    [(namespace, name.clone()), (other, name)]
}

/// What Services' own status records.
#[must_use]
pub fn of_services(services: &[Service]) -> Recorded {
    let entry = |service: &Service| {
        let ips: Vec<IpAddr> = service.ingress.iter().flatten().copied().collect();
        (!ips.is_empty()).then(|| (key_of(&service.meta.object), ips))
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
        let ips =
            |s: &Service| s.ingress.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(",");
        snapshot.services.iter().map(|s| format!("{} {}", s.meta.object.name, ips(s))).collect()
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
        let held = hold(&mut declared, state.services);
        assert_eq!(held.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ns/a"]);
        assert_eq!(addresses(&declared), ["a 10.0.0.1", "b "]);
    }
}
