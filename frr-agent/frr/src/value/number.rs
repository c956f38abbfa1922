//! Numbers with a range: AS numbers, tags, VNIs.

use super::ValueError;
use std::fmt;
use std::num::NonZeroU32;

/// An autonomous system number, 1 to 4294967295 (RFC 6793; RFC 7607 forbids 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(NonZeroU32);

impl Asn {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<i64> for Asn {
    type Error = ValueError;

    fn try_from(value: i64) -> Result<Self, ValueError> {
        let range = || ValueError::Range {
            value: u64::try_from(value).unwrap_or_default(),
            low: 1,
            high: u32::MAX.into(),
        };
        u32::try_from(value).ok().and_then(NonZeroU32::new).map(Self).ok_or_else(range)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A route tag: a mark that never leaves the router (FRR manual, "Route Maps", `set tag`).
///
/// FRR takes 1 to 4294967295; ours lie in the upper half, see [`Tag::OURS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(NonZeroU32);

impl Tag {
    /// The tags that this program gives: 2^31 to 2^32 - 1.
    pub const OURS: std::ops::RangeInclusive<u32> = 1 << 31..=u32::MAX;

    /// A tag of ours from any number: the highest bit is set, the others are the seed's.
    #[must_use]
    pub fn ours(seed: u32) -> Self {
        const LOWEST: NonZeroU32 = NonZeroU32::new(1 << 31).unwrap();
        Self(LOWEST | seed)
    }

    /// Any tag that FRR takes; `None` for 0, which FRR does not.
    #[must_use]
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The next tag of ours, wrapping to the start of the range.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ours(self.get().wrapping_add(1))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A VXLAN network identifier, 1 to 16777215 (RFC 7348 section 5; 0 is not taken by FRR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vni(u32);

impl Vni {
    /// Largest value: 24 bits.
    pub const MAX: u32 = (1 << 24) - 1;

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Vni {
    type Error = ValueError;

    fn try_from(value: i64) -> Result<Self, ValueError> {
        match u32::try_from(value) {
            Ok(vni @ 1..=Self::MAX) => Ok(Self(vni)),
            _ => Err(ValueError::Range {
                value: u64::try_from(value).unwrap_or_default(),
                low: 1,
                high: Self::MAX.into(),
            }),
        }
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
