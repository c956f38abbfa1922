//! The CustomResourceDefinitions of all kinds.

use crate::{frrk8s, metallb};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The definition of every kind, sorted by name, as `apiextensions.k8s.io/v1` objects.
#[must_use]
pub fn schemas() -> Vec<CustomResourceDefinition> {
    let mut all = vec![
        metallb::BFDProfile::crd(),
        metallb::BGPAdvertisement::crd(),
        metallb::BGPPeer::crd(),
        metallb::Community::crd(),
        metallb::ConfigurationState::crd(),
        metallb::IPAddressPool::crd(),
        metallb::L2Advertisement::crd(),
        metallb::MetalLB::crd(),
        metallb::ServiceBGPStatus::crd(),
        metallb::ServiceL2Status::crd(),
        frrk8s::BGPSessionState::crd(),
        frrk8s::FRRConfiguration::crd(),
        frrk8s::FRRK8sConfiguration::crd(),
        frrk8s::FRRNodeState::crd(),
    ];
    all.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    all
}
