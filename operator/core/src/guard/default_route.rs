//! Default routes in FRRConfigurations.

use super::GuardError;
use crate::frr::Contribution;
use crate::problem::{FieldPath, Problem};
use ipnet::IpNet;

/// Whether it is `0.0.0.0/0` or `::/0`.
pub(super) fn is_default(prefix: &IpNet) -> bool {
    prefix.prefix_len() == 0
}

/// Takes default routes out of what an object asks for: the rest of it is as good as without them.
pub(crate) fn take_out(contribution: &mut Contribution) -> Vec<Problem> {
    let mut problems = Vec::new();
    for router in &mut contribution.routers {
        let refused: Vec<IpNet> = router.prefixes.iter().copied().filter(is_default).collect();
        for prefix in refused {
            let field: FieldPath = router.source.field.key("prefixes");
            problems.push(Problem::error(&router.source.object, field, &GuardError::DefaultRoute(prefix)));
        }
        router.prefixes.retain(|prefix| !is_default(prefix));
        router.imported.retain(|prefix| !is_default(prefix));
        for neighbor in &mut router.neighbors {
            let outgoing = &mut neighbor.outgoing;
            outgoing.allowed.retain(|prefix| !is_default(prefix));
            outgoing.local_prefs.retain(|prefix, _| !is_default(prefix));
            outgoing.communities.retain(|prefix, _| !is_default(prefix));
        }
    }
    problems
}
