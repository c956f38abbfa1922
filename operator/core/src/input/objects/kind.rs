//! The kinds that can be watched, in the words of the API.

use std::fmt;

/// A kind of objects that an API server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// core/v1.
    Service,
    /// discovery.k8s.io/v1.
    EndpointSlice,
    /// core/v1.
    Node,
    /// core/v1.
    Namespace,
    /// core/v1; only of one's own namespace.
    Secret,
    /// core/v1; only `bgpextras` of one's own namespace.
    ConfigMap,
    /// networking.k8s.io/v1, Kubernetes 1.33 and later.
    ServiceCidr,
    /// metallb.io/v1beta1.
    IpAddressPool,
    /// metallb.io/v1beta1.
    L2Advertisement,
    /// metallb.io/v1beta1.
    BgpAdvertisement,
    /// metallb.io/v1beta2; the API server converts older ones.
    BgpPeer,
    /// metallb.io/v1beta1.
    BfdProfile,
    /// metallb.io/v1beta1.
    Community,
    /// metallb.io/v1beta1.
    ConfigurationState,
    /// metallb.io/v1beta1.
    ServiceBgpStatus,
    /// frrk8s.metallb.io/v1beta1.
    FrrConfiguration,
    /// frrk8s.metallb.io/v1beta1; `config` of one's own namespace counts.
    FrrK8sConfiguration,
    /// frrk8s.metallb.io/v1beta1; one per node.
    FrrNodeState,
    /// core/v1; only of one's own namespace, and those of FRR.
    Pod,
}

/// The names of a kind: group, version, kind, plural, and whether its objects are in namespaces.
struct Names(&'static str, &'static str, &'static str, &'static str, bool);

impl Kind {
    /// What every plan is made from: without one of these nothing is decided.
    pub const PLANNED_FROM: [Self; 10] = [
        Self::Service,
        Self::EndpointSlice,
        Self::Node,
        Self::Namespace,
        Self::IpAddressPool,
        Self::L2Advertisement,
        Self::BgpAdvertisement,
        Self::BgpPeer,
        Self::BfdProfile,
        Self::Community,
    ];

    const fn names(self) -> Names {
        const METALLB: &str = "metallb.io";
        match self {
            Self::Service => Names("", "v1", "Service", "services", true),
            Self::EndpointSlice => Names("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true),
            Self::Node => Names("", "v1", "Node", "nodes", false),
            Self::Namespace => Names("", "v1", "Namespace", "namespaces", false),
            Self::Secret => Names("", "v1", "Secret", "secrets", true),
            Self::ConfigMap => Names("", "v1", "ConfigMap", "configmaps", true),
            Self::ServiceCidr => Names("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", false),
            Self::IpAddressPool => Names(METALLB, "v1beta1", "IPAddressPool", "ipaddresspools", true),
            Self::L2Advertisement => Names(METALLB, "v1beta1", "L2Advertisement", "l2advertisements", true),
            Self::BgpAdvertisement => {
                Names(METALLB, "v1beta1", "BGPAdvertisement", "bgpadvertisements", true)
            }
            Self::BgpPeer => Names(METALLB, "v1beta2", "BGPPeer", "bgppeers", true),
            Self::BfdProfile => Names(METALLB, "v1beta1", "BFDProfile", "bfdprofiles", true),
            Self::Community => Names(METALLB, "v1beta1", "Community", "communities", true),
            Self::ConfigurationState => {
                Names(METALLB, "v1beta1", "ConfigurationState", "configurationstates", true)
            }
            Self::ServiceBgpStatus => {
                Names(METALLB, "v1beta1", "ServiceBGPStatus", "servicebgpstatuses", true)
            }
            Self::FrrNodeState => {
                Names("frrk8s.metallb.io", "v1beta1", "FRRNodeState", "frrnodestates", false)
            }
            Self::Pod => Names("", "v1", "Pod", "pods", true),
            Self::FrrK8sConfiguration => {
                Names("frrk8s.metallb.io", "v1beta1", "FRRK8sConfiguration", "frrk8sconfigurations", true)
            }
            Self::FrrConfiguration => {
                Names("frrk8s.metallb.io", "v1beta1", "FRRConfiguration", "frrconfigurations", true)
            }
        }
    }

    /// The API group; empty is core.
    #[must_use]
    pub const fn group(self) -> &'static str {
        self.names().0
    }

    /// The version that is asked for.
    #[must_use]
    pub const fn version(self) -> &'static str {
        self.names().1
    }

    /// The kind as manifests write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.names().2
    }

    /// The kind in URLs and in RBAC rules.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        self.names().3
    }

    /// Whether its objects are in namespaces.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        self.names().4
    }

    /// Whether its objects only report: no decision about nodes reads them.
    #[must_use]
    pub const fn is_report(self) -> bool {
        matches!(self, Self::ConfigurationState | Self::ServiceBgpStatus | Self::FrrNodeState | Self::Pod)
    }

    /// Whether it is one of Herald's own API groups.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self.group().ends_with("metallb.io")
    }

    /// `apiVersion` as manifests write it.
    #[must_use]
    pub fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
