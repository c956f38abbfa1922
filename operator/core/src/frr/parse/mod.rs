//! One FRRConfiguration alone: from its spec to values that cannot be wrong.
//!
//! An object is self-contained: prefixes, BFD profiles and imported VRFs are looked up in it alone.

mod advertise;
mod bfd;
mod error;
mod evpn;
mod neighbor;
mod receive;
mod router;
mod sink;
mod timers;

pub use error::{ContributionError, ContributionWarning};

use super::contribution::{Contribution, RawPart, Source};
use super::merge::{Merged, NoServices};
use super::secrets::PasswordSource;
use crate::guard::{self, GuardError};
use crate::model::{Rank, Standing};
use crate::problem::{FieldPath, Problem};
use crate::selector::Selector;
use crate::snapshot::Custom;
use herald_crds::frrk8s::FRRConfigurationSpec;
use herald_frr::value::RawConfig;
use sink::Sink;

impl Contribution {
    /// Judges an FRRConfiguration alone; every problem is reported.
    pub fn parse(
        custom: &Custom<FRRConfigurationSpec>,
        secrets: &dyn PasswordSource,
    ) -> Result<Self, Vec<Problem>> {
        let object = &custom.meta.object;
        let mut sink = Sink::new(object);
        let selector = match custom.spec.node_selector.as_ref().map(Selector::parse) {
            None => Selector::default(),
            Some(parsed) => {
                let field = FieldPath::of("spec.nodeSelector");
                sink.take(&field, parsed.map_err(ContributionError::NodeSelector)).unwrap_or_default()
            }
        };
        let bgp = custom.spec.bgp.as_ref();
        let profiles = bgp.map(|bgp| bfd::profiles(&bgp.bfd_profiles, object, &mut sink)).unwrap_or_default();
        let mut routers = bgp.map(|bgp| router::routers(bgp, object, secrets, &mut sink)).unwrap_or_default();
        let raw = raw(custom);
        let Sink { errors, mut warnings, .. } = sink;
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut misread = |key: &str, why: GuardError| {
            warnings.push(Problem::warning(object, guard::annotation(key), &why));
        };
        let allows_default_route = guard::allows_default_route(&custom.meta).unwrap_or_else(|why| {
            misread(guard::ALLOW_DEFAULT_ROUTE, why);
            None
        });
        let max_prefixes = guard::max_prefixes(&custom.meta).unwrap_or_else(|why| {
            misread(guard::MAX_PREFIXES, why);
            None
        });
        let neighbors = routers.iter_mut().flat_map(|router| &mut router.neighbors);
        neighbors.for_each(|neighbor| neighbor.session.max_prefixes = max_prefixes);
        let mut contribution = Self {
            object: object.clone(),
            selector,
            warnings,
            rank: Rank::new(Standing::New, &custom.meta),
            previous: None,
            bfd_profiles: profiles,
            routers,
            raw: raw.map(|raw| RawPart { allows_default_route: allows_default_route == Some(true), ..raw }),
        };
        let said = match allows_default_route {
            Some(true) => Vec::new(),
            Some(false) => guard::take_out(&mut contribution),
            None => guard::default_routes_announced(&contribution),
        };
        contribution.warnings.extend(said);
        // An object may also contradict itself: merged alone it shows.
        match Merged::default().add(&contribution, &NoServices) {
            Ok(()) => Ok(contribution),
            Err(conflict) => Err(vec![conflict.problem(object)]),
        }
    }
}

/// Hand-written lines.
fn raw(custom: &Custom<FRRConfigurationSpec>) -> Option<RawPart> {
    let (raw, object) = (custom.spec.raw.as_ref()?, &custom.meta.object);
    let text = raw.raw_config.as_deref().filter(|text| !text.is_empty())?;
    // `bgpextras` and the log's level are read into the same form.
    let field = match object.kind {
        "ConfigMap" => "data.extras",
        "FRRK8sConfiguration" => "spec.logLevel",
        _ => "spec.raw.rawConfig",
    };
    Some(RawPart {
        priority: raw.priority.unwrap_or_default(),
        text: RawConfig::new(text),
        allows_default_route: false,
        source: Source::new(object, FieldPath::of(field)),
    })
}
