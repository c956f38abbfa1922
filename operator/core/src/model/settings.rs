//! FRRK8sConfiguration: settings that change while everything runs. Of FRR it is the level of its log.

use crate::frr::{Contribution, PasswordSource};
use crate::problem::Problem;
use crate::snapshot::{Configuration, Custom};
use herald_crds::frrk8s::{FRRConfigurationSpec, RawConfig};
use herald_crds::metallb::LogLevel;

/// The line of FRR's log, before all hand-written ones. Without a level nothing is said: FRR logs as it was started.
pub(crate) fn contribution(
    configuration: &Configuration,
    secrets: &dyn PasswordSource,
) -> Option<Result<Contribution, Vec<Problem>>> {
    let settings = configuration.settings()?;
    let line = match settings.spec.log_level? {
        // FRR writes its own default without the word `debugging`.
        LogLevel::All | LogLevel::Debug => "log stdout",
        LogLevel::Info => "log stdout informational",
        LogLevel::Warn => "log stdout warnings",
        LogLevel::Error => "log stdout errors",
        LogLevel::None => "log stdout emergencies",
    };
    let raw = RawConfig { priority: Some(i64::MIN), raw_config: Some(line.to_owned()) };
    let spec = FRRConfigurationSpec { raw: Some(raw), ..FRRConfigurationSpec::default() };
    Some(Contribution::parse(&Custom { meta: settings.meta.clone(), spec }, secrets))
}
