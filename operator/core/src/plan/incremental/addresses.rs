//! A Service's addresses, small: there are thousands of Services, and nearly all have one.

use std::net::IpAddr;

/// Addresses, of which one takes no memory of its own.
#[derive(Debug, Clone)]
pub enum Addresses {
    One(IpAddr),
    Several(Box<[IpAddr]>),
}

impl Addresses {
    pub fn of(addresses: &[IpAddr]) -> Self {
        match addresses {
            [one] => Self::One(*one),
            several => Self::Several(several.into()),
        }
    }

    pub fn as_slice(&self) -> &[IpAddr] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}
