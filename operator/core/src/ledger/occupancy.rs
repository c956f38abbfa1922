//! Who is on one address, and whether one more may join.

use super::Port;
use super::error::{PortText, Refusal};
use crate::model::{ServiceKey, SharingKey};
use std::collections::{BTreeMap, BTreeSet};

/// The Services on one address. If there are several, they share by the same key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Occupancy {
    sharing: SharingKey,
    users: BTreeSet<ServiceKey>,
    /// Who has each port.
    ports: BTreeMap<Port, ServiceKey>,
}

impl Occupancy {
    /// The Services on it.
    pub(super) fn users(&self) -> &BTreeSet<ServiceKey> {
        &self.users
    }

    /// Whether a Service may be on the address too; who is in the way if not, and why.
    ///
    /// One that is alone on it may change its keys and ports as it likes.
    pub(super) fn admits(
        &self,
        key: &ServiceKey,
        sharing: &SharingKey,
        ports: &BTreeSet<Port>,
    ) -> Result<(), (ServiceKey, Refusal)> {
        let Some(other) = self.users.iter().find(|user| *user != key) else { return Ok(()) };
        let refuse = |why| Err((other.clone(), why));
        if self.sharing.sharing.is_empty() {
            return refuse(Refusal::HolderKeepsIt);
        }
        if sharing.sharing.is_empty() {
            return refuse(Refusal::NoKey(self.sharing.sharing.clone()));
        }
        if sharing.sharing != self.sharing.sharing {
            let (ours, theirs) = (sharing.sharing.clone(), self.sharing.sharing.clone());
            return refuse(Refusal::Key { ours, theirs });
        }
        if sharing.backend != self.sharing.backend {
            return refuse(Refusal::Backend);
        }
        let clash = ports.iter().find_map(|p| Some((p, self.ports.get(p).filter(|h| *h != key)?)));
        match clash {
            Some((port, holder)) => Err((holder.clone(), Refusal::Port(PortText(port.clone())))),
            None => Ok(()),
        }
    }

    /// Lets a Service on that `admits` takes.
    pub(super) fn join(&mut self, key: &ServiceKey, sharing: &SharingKey, ports: &BTreeSet<Port>) {
        self.sharing = sharing.clone();
        self.users.insert(key.clone());
        self.ports.extend(ports.iter().map(|p| (p.clone(), key.clone())));
    }

    /// Takes a Service off that joined with these ports.
    pub(super) fn leave(&mut self, key: &ServiceKey, ports: &BTreeSet<Port>) {
        self.users.remove(key);
        for port in ports {
            self.ports.remove(port);
        }
    }
}
