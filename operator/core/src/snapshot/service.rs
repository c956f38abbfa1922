//! What is used of a Service.

use super::{Few, Labels, Meta};
use std::net::IpAddr;
use std::sync::Arc;

/// `spec.type` of a Service (Kubernetes core/v1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceType {
    /// Not written: as `ClusterIP`.
    Unset,
    /// An address in the cluster.
    ClusterIp,
    /// A port of every node.
    NodePort,
    /// An address for the outside.
    LoadBalancer,
    /// A name in DNS.
    ExternalName,
}

impl ServiceType {
    /// All that are written.
    pub const ALL: [Self; 4] = [Self::ClusterIp, Self::NodePort, Self::LoadBalancer, Self::ExternalName];

    /// The word in manifests; empty if it is not written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "",
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
            Self::ExternalName => "ExternalName",
        }
    }
}

/// Protocols in upper case and ports; Services with the same ones share them.
pub type Ports = Arc<[(Arc<str>, u16)]>;

/// What a Service asks for, in fields that most Services have alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Asks {
    /// `spec.ipFamilies`: `IPv4`, `IPv6`.
    pub ip_families: Box<[Arc<str>]>,
    /// `spec.ipFamilyPolicy`.
    pub ip_family_policy: Option<Arc<str>>,
    /// `spec.loadBalancerIP`.
    pub load_balancer_ip: Option<Arc<str>>,
    /// `spec.loadBalancerClass`.
    pub load_balancer_class: Option<Arc<str>>,
}

/// A Service (Kubernetes core/v1). There are thousands: what may be many is a list without spare room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Metadata.
    pub meta: Meta,
    /// `spec.type`.
    pub service_type: ServiceType,
    /// `spec.clusterIPs`, or `spec.clusterIP` alone; empty in a Git repository.
    pub cluster_ips: Box<[Arc<str>]>,
    /// What it asks for; Services that ask for the same share it.
    pub asks: Arc<Asks>,
    /// `spec.externalTrafficPolicy` is `Local`.
    pub traffic_local: bool,
    /// `spec.healthCheckNodePort`, where that is `Local`.
    pub health_port: Option<u16>,
    /// `spec.selector`, keys ascending. A map of its own would take ten times as much, and there are thousands.
    pub selector: Box<[(Arc<str>, Arc<str>)]>,
    /// `spec.ports`: protocol in upper case and port.
    pub ports: Ports,
    /// `status.loadBalancer.ingress[].ip`, those that parse and those that do not.
    pub ingress: Few<Result<IpAddr, Arc<str>>>,
    /// `ingress` was recorded apart from the Service, which has no status of its own.
    pub adopted: bool,
}

impl Service {
    /// The Service without what no plan reads of one that is no load balancer: everything but its name, type and own addresses.
    #[must_use]
    pub fn trimmed(service: &Arc<Self>) -> Arc<Self> {
        if service.service_type == ServiceType::LoadBalancer {
            return service.clone();
        }
        let meta = Meta {
            labels: Labels::default(),
            annotations: Labels::default(),
            created: Arc::default(),
            generation: 0,
            object: service.meta.object.clone(),
        };
        Arc::new(Self {
            meta,
            service_type: service.service_type,
            cluster_ips: service.cluster_ips.clone(),
            asks: Arc::default(),
            traffic_local: false,
            health_port: None,
            selector: Box::default(),
            ports: Ports::default(),
            ingress: Few::default(),
            adopted: false,
        })
    }
}
