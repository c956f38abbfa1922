//! What FRRConfigurations announce by name although no Service might (docs/guard-rails.md).

use crate::model::Model;
use crate::problem::Problem;

pub(super) fn lint(model: &Model, warnings: &mut Vec<Problem>) {
    for configuration in &model.frr_configurations {
        for router in &configuration.routers {
            let sent = |prefix| {
                router.neighbors.iter().any(|n| n.outgoing.all || n.outgoing.allowed.contains(prefix))
            };
            let field = || router.source.field.key("prefixes");
            let found = router.prefixes.iter().filter_map(|net| Some((net, model.guard.warning(net)?)));
            let found = found.filter(|(net, _)| sent(net));
            warnings.extend(found.map(|(_, why)| Problem::warning(&configuration.object, field(), &why)));
        }
    }
}
