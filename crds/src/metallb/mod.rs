//! `metallb.io`: addresses, who gets them, and how they are announced.

mod bfd_profile;
mod bgp_advertisement;
mod bgp_peer;
mod community;
mod configuration_state;
mod conversion;
mod ip_address_pool;
mod l2_advertisement;
mod metallb_resource;
mod service_bgp_status;
mod service_l2_status;
pub mod v1beta1;

pub use bfd_profile::{BFDProfile, BFDProfileSpec, BFDProfileStatus};
pub use bgp_advertisement::{BGPAdvertisement, BGPAdvertisementSpec, BGPAdvertisementStatus};
pub use bgp_peer::{BGPPeer, BGPPeerSpec, BGPPeerStatus, DynamicASN};
pub use community::{Community, CommunityAlias, CommunitySpec, CommunityStatus};
pub use configuration_state::{
    ConfigurationResult, ConfigurationState, ConfigurationStateSpec, ConfigurationStateStatus,
};
pub use conversion::{ANNOTATION, ConversionError, convert};
pub use ip_address_pool::{IPAddressPool, IPAddressPoolSpec, IPAddressPoolStatus, ServiceAllocation};
pub use l2_advertisement::{
    L2Advertisement, L2AdvertisementSpec, L2AdvertisementStatus, PreferredNodeSelector,
};
pub use metallb_resource::{FRRK8sConfig, LogLevel, MetalLB, MetalLBSpec, MetalLBStatus, PodConfig};
pub use service_bgp_status::{ServiceBGPStatus, ServiceBGPStatusSpec, ServiceBGPStatusStatus};
pub use service_l2_status::{InterfaceInfo, ServiceL2Status, ServiceL2StatusSpec, ServiceL2StatusStatus};
