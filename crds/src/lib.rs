//! Kubernetes' vocabulary: the kinds of `metallb.io` and `frrk8s.metallb.io`.

/// `metallb.io`.
pub mod metallb {
    #![allow(missing_docs)]
    macro_rules! stub { ($($n:ident)*) => { $( #[derive(Debug, Clone, Default, PartialEq)] pub struct $n {} )* } }
    stub!(IPAddressPoolSpec L2AdvertisementSpec BGPAdvertisementSpec BGPPeerSpec BFDProfileSpec CommunitySpec);
}

/// `frrk8s.metallb.io`.
pub mod frrk8s {
    #![allow(missing_docs)]
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct FRRConfigurationSpec {}
}
