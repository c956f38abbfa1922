//! What one real agent asks, as the API server's audit log has it.

use anyhow::{Context, Result, ensure};
use herald_e2e::Kube;
use herald_e2e::kube::audit::counts;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The node that the real agent is on; elsewhere another name stands in its place.
pub const NODE: &str = "node-0";
/// For so long nothing is asked once an agent has written all: it tells FRR's running configuration every 30 s at most.
const QUIET: Duration = Duration::from_secs(33);
const LIMIT: Duration = Duration::from_mins(15);

/// How often each verb was asked of each resource.
pub type Requests = BTreeMap<(String, String), usize>;

/// A kind that is listed and then watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Followed {
    pub path: String,
    /// Of both requests: selectors, as they stand in the query.
    pub selectors: Vec<String>,
    /// Of the watch alone.
    pub watch: Vec<String>,
    /// Objects of a page.
    pub limit: usize,
}

/// Everything that a simulated node needs to know.
#[derive(Debug)]
pub struct Pattern {
    pub followed: Vec<Followed>,
    /// The objects that an agent has about its node, without its Services: to be made, each with its status.
    pub objects: Vec<Value>,
    /// The ServiceBGPStatus of one Service.
    pub announced: Value,
}

impl Pattern {
    /// Of the agent that runs, and has written all that it has to.
    pub fn of(kube: &Kube) -> Result<Self> {
        let begun = kube.begun()?;
        let followed = followed(&begun)?;
        let listed = |what: &str| -> Result<Vec<Value>> {
            let list = kube.get(&[what, "--all-namespaces"])?;
            Ok(list["items"].as_array().cloned().unwrap_or_default().iter().map(bare).collect())
        };
        let mut objects = Vec::new();
        for what in ["frrnodestates", "bgpsessionstates", "configurationstates"] {
            objects.extend(listed(what)?);
        }
        let announced = listed("servicebgpstatuses")?.pop().context("the agent announces something")?;
        Ok(Self { followed, objects, announced })
    }
}

/// From the watches that began and the lists before them.
fn followed(begun: &[(String, String)]) -> Result<Vec<Followed>> {
    let mut all = Vec::new();
    for (_, uri) in begun.iter().filter(|(verb, _)| verb == "watch") {
        let (path, words) = split(uri);
        let is_selector = |word: &&String| word.contains("Selector=");
        let selectors: Vec<String> = words.iter().filter(is_selector).cloned().collect();
        let same = |(verb, uri): &&(String, String)| {
            let (of_path, of_words) = split(uri);
            verb == "list" && of_path == path && selectors.iter().all(|word| of_words.contains(word))
        };
        let list = begun.iter().find(same).with_context(|| format!("{uri} is listed first"))?;
        let limit = split(&list.1).1.iter().find_map(|word| word.strip_prefix("limit=")?.parse().ok());
        let rest = words.iter().filter(|word| !is_selector(word) && !word.starts_with("resourceVersion="));
        let watch = rest.cloned().collect();
        all.push(Followed { path, selectors, watch, limit: limit.unwrap_or(500) });
    }
    all.sort();
    all.dedup();
    ensure!(!all.is_empty(), "the agent watches nothing");
    Ok(all)
}

fn split(uri: &str) -> (String, Vec<String>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let words = query.split('&').filter(|word| !word.is_empty()).map(ToOwned::to_owned);
    (path.to_owned(), words.collect())
}

/// An object as somebody makes it.
fn bare(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut kept = json!({ "name": metadata["name"] });
    for key in ["namespace", "labels"] {
        if !metadata[key].is_null() {
            kept[key] = metadata[key].clone();
        }
    }
    json!({ "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": kept, "status": object["status"] })
}

/// All requests of our accounts so far: a watch counts when it begins.
pub fn requests(kube: &Kube) -> Result<Requests> {
    let mut all = counts(&kube.asked()?);
    all.retain(|(verb, _), _| verb != "watch");
    let watches = kube.begun()?.iter().filter(|(verb, _)| verb == "watch").count();
    all.insert(("watch".to_owned(), "all kinds".to_owned()), watches);
    Ok(all)
}

/// Waits until an agent has written all that it wants to.
pub fn wait_quiet(kube: &Kube) -> Result<()> {
    let writes = || -> Result<usize> {
        Ok(kube.asked()?.iter().filter(|asked| asked.verb != "watch" && asked.verb != "list").count())
    };
    let started = Instant::now();
    let (mut last, mut since) = (writes()?, Instant::now());
    while since.elapsed() < QUIET {
        ensure!(started.elapsed() < LIMIT, "the agent goes on writing");
        sleep(Duration::from_secs(1));
        let now = writes()?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}
