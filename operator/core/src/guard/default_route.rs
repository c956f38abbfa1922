//! Default routes in FRRConfigurations.

use super::GuardError;
use crate::frr::Contribution;
use crate::problem::{FieldPath, Problem};
use ipnet::IpNet;

/// Whether it is `0.0.0.0/0` or `::/0`.
pub(super) fn is_default(prefix: &IpNet) -> bool {
    prefix.prefix_len() == 0
}

/// What is to be said of default routes that an object lists without saying that it means them.
pub(crate) fn announced(contribution: &Contribution) -> Vec<Problem> {
    let of_routers = contribution.routers.iter().flat_map(|router| {
        let source = &router.source;
        let defaults = router.prefixes.iter().filter(|prefix| is_default(prefix));
        defaults.map(|prefix| {
            let why = GuardError::DefaultRouteListed(*prefix);
            Problem::warning(&source.object, source.field.key("prefixes"), &why)
        })
    });
    of_routers.collect()
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
