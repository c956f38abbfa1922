//! From a Snapshot to a Model, kind by kind in the order of their references.

use super::bgp_advertisement::{self, BgpAdvertisement, References};
use super::in_force::{Forms, InForce};
use super::kind::{Objects, by_name, never, settle};
use super::pool::Pool;
use super::selection::Pools;
use super::service_parse::PoolFamilies;
use super::{BfdProfile, L2Advertisement, Model, bfd, community, endpoints, l2_advertisement, pool};
use super::{frr_configurations, leftover, lint, peers, service_parse, settings};
use crate::frr::Secrets;
use crate::guard::{self, Guard};
use crate::problem::Problem;
use crate::snapshot::{Labels, Node, Snapshot};
use herald_crds::metallb::BGPAdvertisementSpec;
use herald_frr::value::{Community, Family};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The label by which a node is known to selectors.
const HOSTNAME: &str = "kubernetes.io/hostname";
/// The label that every Namespace has (Kubernetes 1.22 and later).
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// How the inputs are to be read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Serve Services of exactly this `loadBalancerClass`; `None` serves those without one.
    pub lb_class: Option<Arc<str>>,
    /// A session whose Secret is not in the input goes without a password.
    pub allow_missing_secrets: bool,
    /// Without any Node in the input: a node of this name, with the label `kubernetes.io/hostname`.
    pub assume_node: Option<Arc<str>>,
    /// Leave out FRRConfigurations that MetalLB's speaker left behind: the node's agent plans from the same objects.
    pub ignore_leftovers: bool,
    /// Networks of the cluster that no object names.
    pub networks: guard::Networks,
}

/// What `Model::build` makes of a Snapshot.
#[derive(Debug, Clone, Default)]
pub struct Built {
    /// Everything that counts.
    pub model: Model,
    /// Everything that is wrong, those of single nodes included.
    pub problems: Vec<Problem>,
    /// What is in force now: the input of the next build.
    pub in_force: InForce,
}

impl Model {
    /// Parses and judges everything. Never fails: what is wrong is a problem, and the rest goes on.
    ///
    /// Objects that conflict are judged in a fixed order: those in force and unchanged, then edits of
    /// those, then new ones; within each by creationTimestamp, then name. An object that is refused
    /// keeps its form in `in_force`, if it has one.
    #[must_use]
    pub fn build(snapshot: &Snapshot, in_force: &InForce, options: &Options) -> Built {
        let mut build = Build { snapshot, before: in_force, options, built: Built::default() };
        build.configuration();
        build.services();
        build.warnings();
        build.built
    }

    /// The part of [`Self::build`] that Services and EndpointSlices have no part in, but that the namespaces of
    /// Services are known: for a plan that follows those one by one.
    pub(crate) fn build_configuration(snapshot: &Snapshot, in_force: &InForce, options: &Options) -> Built {
        let mut build = Build { snapshot, before: in_force, options, built: Built::default() };
        build.configuration();
        let warnings = lint::of_configuration(snapshot, &build.built.model);
        build.built.problems.extend(warnings);
        build.built
    }

    /// How Services of which nothing else tells are taken.
    pub(crate) fn pool_families(&self) -> PoolFamilies {
        PoolFamilies {
            v4: self.pools.is_empty() || self.pools.values().any(|pool| pool.has_family(Family::V4)),
        }
    }
}

struct Build<'a> {
    snapshot: &'a Snapshot,
    before: &'a InForce,
    options: &'a Options,
    built: Built,
}

impl Build<'_> {
    fn configuration(&mut self) {
        self.built.model.draining_for = self.snapshot.here.draining_for;
        self.nodes();
        self.namespaces();
        let aliases = self.aliases();
        self.pools();
        self.l2_advertisements();
        self.bgp_advertisements(&aliases);
        self.bfd_profiles();
        self.peers();
        self.frr_configurations();
        self.built.model.guard = Guard::of(self.snapshot, &self.options.networks);
    }

    fn nodes(&mut self) {
        let known = self.snapshot.nodes.iter().cloned();
        let assumed = self.options.assume_node.clone().filter(|_| self.snapshot.nodes.is_empty());
        let assumed = assumed.map(|name| Node {
            labels: Labels::from([(HOSTNAME.to_owned(), name.to_string())]),
            name,
            network_unavailable: false,
            draining: false,
        });
        self.built.model.nodes = known.chain(assumed).map(|node| (node.name.clone(), node)).collect();
    }

    /// A Git repository often holds no Namespaces; those of Services are then known by name.
    fn namespaces(&mut self) {
        let namespaces = &mut self.built.model.namespaces;
        for key in self.snapshot.services.keys() {
            let name = &key.namespace;
            if !namespaces.contains_key(name) {
                let labels = Labels::from([(NAMESPACE_NAME.to_owned(), name.to_string())]);
                namespaces.insert(name.clone(), labels);
            }
        }
        let known = self.snapshot.namespaces.iter();
        namespaces.extend(known.map(|namespace| (namespace.name.clone(), namespace.labels.clone())));
    }

    fn aliases(&mut self) -> BTreeMap<String, Community> {
        let present = &self.snapshot.communities;
        let forms = &self.before.communities;
        let objects = Objects { kind: "Community", present, forms, snapshot: self.snapshot };
        let Built { problems, in_force, .. } = &mut self.built;
        let (accepted, forms) = settle(&objects, community::parse, community::conflict, problems);
        in_force.communities = forms;
        let values = accepted.into_iter().flat_map(|aliases| aliases.values);
        values.map(|(name, (_, community))| (name, community)).collect()
    }

    fn pools(&mut self) {
        let present = &self.snapshot.pools;
        let forms = &self.before.pools;
        let objects = Objects { kind: "IPAddressPool", present, forms, snapshot: self.snapshot };
        let Built { model, problems, in_force } = &mut self.built;
        let namespaces = &model.namespaces;
        let (accepted, forms): (Vec<Pool>, _) = settle(
            &objects,
            |object, context| pool::parse(object, context, namespaces),
            pool::conflict,
            problems,
        );
        in_force.pools = forms;
        model.pools = by_name(accepted);
    }

    fn l2_advertisements(&mut self) {
        let present = &self.snapshot.l2_advertisements;
        let forms = &self.before.l2_advertisements;
        let objects = Objects { kind: "L2Advertisement", present, forms, snapshot: self.snapshot };
        let declared = self.declared_pools();
        let Built { model, problems, in_force } = &mut self.built;
        let pools = Pools { valid: &model.pools, declared };
        let (accepted, forms): (Vec<L2Advertisement>, _) = settle(
            &objects,
            |object, context| l2_advertisement::parse(object, context, &pools),
            never,
            problems,
        );
        in_force.l2_advertisements = forms;
        model.l2_advertisements = by_name(accepted);
    }

    fn bgp_advertisements(&mut self, aliases: &BTreeMap<String, Community>) {
        let present = &self.snapshot.bgp_advertisements;
        let forms = &self.before.bgp_advertisements;
        let objects = Objects { kind: "BGPAdvertisement", present, forms, snapshot: self.snapshot };
        let declared = self.declared_pools();
        let Built { model, problems, in_force } = &mut self.built;
        let references = References { pools: Pools { valid: &model.pools, declared }, aliases };
        let (accepted, forms) = bgp_advertisements(&objects, model, &references, problems);
        in_force.bgp_advertisements = forms;
        model.bgp_advertisements = by_name(accepted);
    }

    fn bfd_profiles(&mut self) {
        let present = &self.snapshot.bfd_profiles;
        let forms = &self.before.bfd_profiles;
        let objects = Objects { kind: "BFDProfile", present, forms, snapshot: self.snapshot };
        let Built { model, problems, in_force } = &mut self.built;
        let (accepted, forms): (Vec<BfdProfile>, _) = settle(&objects, bfd::parse, never, problems);
        in_force.bfd_profiles = forms;
        model.bfd_profiles = by_name(accepted);
    }

    fn peers(&mut self) {
        let present = &self.snapshot.peers;
        let forms = &self.before.peers;
        let objects = Objects { kind: "BGPPeer", present, forms, snapshot: self.snapshot };
        let secrets = Secrets::new(self.snapshot, self.options.allow_missing_secrets);
        peers::build(&objects, &secrets, self.before, &mut self.built);
    }

    /// Each alone; what they make together is judged for each node, when its configuration is built.
    fn frr_configurations(&mut self) {
        let snapshot = self.snapshot;
        let secrets = Secrets::new(snapshot, self.options.allow_missing_secrets);
        let mut present = Cow::Borrowed(snapshot.frr_configurations.as_slice());
        if self.options.ignore_leftovers {
            leftover::take_out(&mut present, &mut self.built.problems);
        }
        let forms = &self.before.frr_configurations;
        let objects = Objects { kind: "FRRConfiguration", present: &present, forms, snapshot };
        self.built.in_force.frr_configurations =
            frr_configurations::build(&objects, &secrets, &mut self.built);
        let (present, forms) = (&snapshot.bgp_extras, &self.before.bgp_extras);
        let extras = Objects { kind: "ConfigMap", present, forms, snapshot };
        self.built.in_force.bgp_extras = frr_configurations::build(&extras, &secrets, &mut self.built);
        match settings::contribution(snapshot, &secrets) {
            Some(Ok(settings)) => self.built.model.frr_configurations.push(settings),
            Some(Err(problems)) => self.built.problems.extend(problems),
            None => {}
        }
    }

    fn services(&mut self) {
        let Built { model, problems, .. } = &mut self.built;
        let class = self.options.lb_class.as_deref();
        let families = model.pool_families();
        model.services = service_parse::collect(&self.snapshot.services, class, families, problems);
        model.endpoints = endpoints::collect(&self.snapshot.endpoint_slices);
        model.waiting.clone_from(&self.snapshot.here.waiting);
    }

    fn declared_pools(&self) -> BTreeSet<Arc<str>> {
        self.snapshot.pools.iter().map(|pool| pool.meta.object.name.clone()).collect()
    }

    fn warnings(&mut self) {
        let warnings = lint::lint(self.snapshot, &self.built.model);
        self.built.problems.extend(warnings);
    }
}

fn bgp_advertisements(
    objects: &Objects<'_, BGPAdvertisementSpec>,
    model: &Model,
    references: &References<'_>,
    problems: &mut Vec<Problem>,
) -> (Vec<BgpAdvertisement>, Forms<BGPAdvertisementSpec>) {
    settle(
        objects,
        |object, context| bgp_advertisement::parse(object, context, references),
        |winner, loser| bgp_advertisement::conflict(winner, loser, &model.pools, &model.nodes),
        problems,
    )
}
