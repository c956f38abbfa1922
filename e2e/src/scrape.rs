//! Pages of metrics, asked for and read as Prometheus does.

use crate::herald::repository;
use crate::kube::Kube;
use crate::network::Namespace;
use crate::process::output;
use crate::wait::wait_for;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For whatever is waited for, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_mins(2);

/// Somebody who may read metrics, by the role that `manifests/rbac` has for it.
#[derive(Debug)]
pub struct Reader {
    /// Its token, as a line of a header: then it stands in no list of processes.
    header: PathBuf,
}

impl Reader {
    /// A new account with that role; its token is kept in `folder`.
    pub fn new(kube: &Kube, folder: &Path) -> Result<Self> {
        kube.run(&["create", "serviceaccount", "prometheus", "--namespace=default"])?;
        let subject = "--serviceaccount=default:prometheus";
        let role = "--clusterrole=metallb-system:metrics-reader";
        kube.run(&["create", "clusterrolebinding", "prometheus", role, subject])?;
        let header = folder.join("prometheus");
        fs::write(&header, format!("Authorization: Bearer {}\n", kube.token("default", "prometheus")?))?;
        Ok(Self { header })
    }

    /// The page of `place` (`127.0.0.1:9120`), as seen from a namespace.
    pub fn page(&self, from: &Namespace, place: &str) -> Result<Page> {
        let mut curl = from.command("curl");
        let header = format!("@{}", self.header.display());
        curl.args(["-sSk", "--fail", "--max-time", "20", "--header", &header]);
        Ok(Page::of(output(curl.arg(format!("https://{place}/metrics")))?))
    }

    /// Waits until the page is as `holds` says.
    pub fn until(
        &self,
        what: &str,
        from: &Namespace,
        place: &str,
        holds: impl Fn(&Page) -> Result<()>,
    ) -> Result<Page> {
        wait_for(what, LIMIT, || {
            let page = self.page(from, place)?;
            holds(&page).with_context(|| page.text.clone())?;
            Ok(page)
        })
    }
}

/// What a port served.
#[derive(Debug)]
pub struct Page {
    /// As it came.
    pub text: String,
}

/// A sample.
#[derive(Debug)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Page {
    /// Of this text.
    #[must_use]
    pub const fn of(text: String) -> Self {
        Self { text }
    }

    /// Every sample.
    pub fn samples(&self) -> Result<Vec<Sample>> {
        self.text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
    }

    /// The value of the only sample with these labels, whatever other labels it has: as people ask Prometheus.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let has = |sample: &Sample| {
            labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value))
        };
        let found: Vec<f64> = self
            .samples()?
            .iter()
            .filter(|sample| sample.name == name && has(sample))
            .map(|s| s.value)
            .collect();
        match found[..] {
            [value] => Ok(value),
            _ => anyhow::bail!("{} samples of {name} {labels:?}", found.len()),
        }
    }

    /// Fails unless that sample has this value.
    pub fn is(&self, name: &str, labels: &[(&str, &str)], value: f64) -> Result<()> {
        let found = self.value(name, labels)?;
        ensure!((found - value).abs() < 0.5, "{name} {labels:?} is {found}, not {value}");
        Ok(())
    }

    /// Fails unless it has at least this one.
    pub fn at_least(&self, name: &str, labels: &[(&str, &str)], value: f64) -> Result<()> {
        let found = self.value(name, labels)?;
        ensure!(found >= value, "{name} {labels:?} is {found}, less than {value}");
        Ok(())
    }

    /// Names, types, help texts, and the labels of each name; without what every process has.
    fn shape(&self) -> Result<BTreeSet<String>> {
        let heads = self.text.lines().filter(|line| line.starts_with('#')).map(str::to_owned);
        let of = |sample: &Sample| {
            format!("{} {}", sample.name, sample.labels.keys().cloned().collect::<Vec<_>>().join(","))
        };
        let names: Vec<String> = self.samples()?.iter().map(of).collect();
        Ok(heads.chain(names).filter(|line| !line.contains("process_")).collect())
    }

    /// Fails unless the page is what the golden file of the port is but for values and what labels say.
    pub fn is_as_golden(&self, port: u16) -> Result<()> {
        let file = repository().join(format!("frr-agent/tests/golden/{port}.txt"));
        let golden = Self { text: fs::read_to_string(&file).with_context(|| file.display().to_string())? };
        let (served, golden) = (self.shape()?, golden.shape()?);
        let differs: Vec<&String> = served.symmetric_difference(&golden).collect();
        ensure!(differs.is_empty(), "{port}: on one side only: {differs:#?}");
        Ok(())
    }
}

/// `name{label="value",...} value`; no value of these tests has a quote or a comma in it.
fn sample(line: &str) -> Result<Sample> {
    let (what, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
    let (name, labels) = what.split_once('{').unwrap_or((what, ""));
    let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).map(|label| {
        let (key, value) = label.split_once('=').with_context(|| line.to_owned())?;
        Ok((key.to_owned(), value.trim_matches('"').to_owned()))
    });
    let value = value.parse().with_context(|| line.to_owned())?;
    Ok(Sample { name: name.to_owned(), labels: labels.collect::<Result<_>>()?, value })
}
