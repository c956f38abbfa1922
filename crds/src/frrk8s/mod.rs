//! `frrk8s.metallb.io`: FRR's configuration and state as Kubernetes objects.

mod bgp_session_state;
mod evpn;
mod frr_configuration;
mod frr_k8s_configuration;
mod frr_node_state;
mod neighbor;

pub use bgp_session_state::{BGPSessionState, BGPSessionStateSpec, BGPSessionStateStatus};
pub use evpn::{AdvertiseVNIs, AdvertisedPrefixes, EVPN, L2VNI, L3VNI};
pub use frr_configuration::{
    BFDProfile, BGPConfig, FRRConfiguration, FRRConfigurationSpec, FRRConfigurationStatus, Import, RawConfig,
    Router,
};
pub use frr_k8s_configuration::{FRRK8sConfiguration, FRRK8sConfigurationSpec, FRRK8sConfigurationStatus};
pub use frr_node_state::{FRRNodeState, FRRNodeStateSpec, FRRNodeStateStatus};
pub use neighbor::{
    AddressFamily, Advertise, AdvertiseAllowed, AllowMode, CommunityPrefixes, LocalPrefPrefixes, Neighbor,
    NextHop, PrefixSelector, Receive, ReceiveAllowed,
};
