//! A model of FRR, small enough to be seen right: statements, `no`, and what is announced.

use crate::config::{AddressFamily, FrrConfig, NeighborId};
use crate::running::Running;
use crate::statement::value::prefix_rule;
use crate::statement::{Block, Context, Key, Kind, Statements, Subject, Value, Vrf, fit, raise, read, text};
use crate::value::{Family, FrrName};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

pub struct Fake {
    all: Statements<'static>,
    stack: Vec<Context>,
    bfd: bool,
    /// `bgp route-map delay-timer`.
    pub delay: Option<String>,
    /// Routers that were made by lines.
    made: BTreeSet<Vrf>,
    /// Route distinguishers that FRR has and does not show, as far as lines told it.
    hidden: BTreeMap<Context, String>,
}

pub type Announced = BTreeSet<(Vrf, NeighborId, IpNet)>;

impl Fake {
    pub fn of(running: &Running) -> Self {
        Self {
            all: running.statements.clone(),
            stack: Vec::new(),
            bfd: false,
            delay: None,
            made: BTreeSet::new(),
            hidden: BTreeMap::new(),
        }
    }

    /// What it runs, in the model's terms, and every statement that the model's terms leave out.
    pub fn meaning(&self) -> (FrrConfig, Vec<(Context, String)>) {
        let mut all = self.all.clone();
        fit(&mut all);
        let lines = all.blocks.iter().flat_map(|(context, block)| {
            let head = Some((context.clone(), block.head.clone()));
            let keeps =
                matches!(context, Context::RouteMap(..) | Context::Router(_) | Context::BfdProfile(_));
            let lines = block.lines.iter().map(|(key, value)| (context.clone(), text::set(key, &value.text)));
            head.filter(|_| keeps).into_iter().chain(lines).collect::<Vec<_>>()
        });
        (raise::raise(&all), lines.collect())
    }

    fn context(&self) -> Context {
        self.stack.last().cloned().unwrap_or(Context::Top)
    }

    pub fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let context = self.context();
        match words[..] {
            ["bfd"] if self.stack.is_empty() => self.bfd = true,
            ["exit"] if self.stack.is_empty() => self.bfd = false,
            ["exit" | "exit-vrf" | "exit-address-family" | "exit-vni"] => drop(self.stack.pop()),
            ["bgp", "route-map", "delay-timer", seconds] => self.delay = Some(seconds.to_owned()),
            ["no", "bgp", "route-map", "delay-timer"] => self.delay = None,
            ["profile", name] if self.bfd => {
                self.open(Context::BfdProfile(name.parse().unwrap()), String::new());
            }
            ["no", ..] if self.negative(&context, &words) => {}
            ["no", ref rest @ ..] if self.block_gone(&context, rest) => {}
            _ => match read::opens(&context, &words) {
                Some((inner, head)) => self.open(inner, head),
                None => self.set(&context, &words, line),
            },
        }
    }

    fn open(&mut self, context: Context, head: String) {
        if let Context::Router(vrf) = &context
            && !self.all.blocks.contains_key(&context)
        {
            self.made.insert(vrf.clone());
        }
        let block = self.all.block(context.clone());
        if let Context::Router(_) = context {
            assert!(block.head.is_empty() || block.head == head, "AS is {}", block.head);
        }
        block.head = head;
        self.stack.push(context);
    }

    fn set(&mut self, context: &Context, words: &[&str], line: &str) {
        let (key, value) =
            self.read(context, words).unwrap_or_else(|| panic!("refused in {context:?}: {line}"));
        if let (Kind::MapIn | Kind::MapOut | Kind::Activate, Subject::Neighbor(id), Context::Family(vrf, _)) =
            (key.0, &key.1, context)
        {
            let router = &self.all.blocks[&Context::Router(vrf.clone())];
            let known = router.lines.contains_key(&(Kind::RemoteAs, Subject::Neighbor(id.clone())));
            assert!(known, "no such neighbor: {line}");
        }
        if key.0 != Kind::Rd || self.listens(context, &value) {
            self.all.block(context.clone()).put(key.0, key.1, value, None);
        }
    }

    /// FRR has a route distinguisher also where it shows none, and does not listen to a line that says the same. The
    /// worst is assumed of one that nobody knows: that it is what the line says.
    fn listens(&mut self, context: &Context, rd: &str) -> bool {
        let (Context::Family(vrf, _) | Context::Vni(vrf, _)) = context else { return true };
        let shown = self.all.blocks.get(context).is_some_and(|block| block.sole(Kind::Rd).is_some());
        // FRR derives those of L2VNIs from an address.
        let may_be = matches!(context, Context::Family(..)) || rd.contains('.');
        let unknown = may_be && !self.made.contains(vrf);
        let before = self.hidden.insert(context.clone(), rd.to_owned());
        shown || before.map_or(!unknown, |before| before != rd)
    }

    fn read(&self, context: &Context, words: &[&str]) -> Option<(Key, String)> {
        let derived = match context {
            Context::Vni(vrf, vni) => {
                let asn: i64 = self.all.blocks[&Context::Router(vrf.clone())].head.parse().ok()?;
                Some(crate::config::RouteTarget::auto(asn.try_into().ok()?, *vni))
            }
            _ => None,
        };
        read::statement(context, words, derived.as_ref())
    }

    /// `no STATEMENT`, also with its value left out. False if it is a statement itself, or a block.
    fn negative(&mut self, context: &Context, words: &[&str]) -> bool {
        if self.read(context, words).is_some() {
            return false;
        }
        let rest = words[1..].join(" ");
        let names = |(key, value): (&Key, &str)| {
            let set = text::set(key, value);
            let tail = rest.strip_suffix(" no-prepend replace-as").unwrap_or(&rest);
            set == rest
                || set.strip_prefix(tail).is_some_and(|more| more.starts_with(' ')) && is_short(key.0, tail)
        };
        if let ["neighbor", id] = words[1..] {
            self.end_session(context, id);
            return true;
        }
        let block = self.all.block(context.clone());
        let found =
            block.lines.iter().find(|(key, value)| names((key, &value.text))).map(|(key, _)| key.clone());
        let Some(key) = found else { return false };
        block.lines.remove(&key);
        if key.0 == Kind::Bfd {
            block.lines.remove(&(Kind::BfdProfile, key.1));
        }
        true
    }

    fn end_session(&mut self, context: &Context, id: &str) {
        let Context::Router(vrf) = context else { panic!("no neighbor {id} in {context:?}") };
        let of = |subject: &Subject| matches!(subject, Subject::Neighbor(name) if name.to_string() == id);
        for (context, block) in &mut self.all.blocks {
            match context {
                Context::Router(of_vrf) | Context::Family(of_vrf, _) if of_vrf == vrf => {
                    block.lines.retain(|(_, subject), _| !of(subject));
                }
                _ => {}
            }
        }
    }

    fn block_gone(&mut self, context: &Context, rest: &[&str]) -> bool {
        let before = self.all.blocks.len();
        match *rest {
            ["route-map", name] => {
                self.all.blocks.retain(|c, _| !matches!(c, Context::RouteMap(n, _) if n.as_str() == name));
            }
            ["ip" | "ipv6", "prefix-list", name] => {
                let family = if rest[0] == "ip" { Family::V4 } else { Family::V6 };
                let top = self.all.block(Context::Top);
                let lines = top.lines.len();
                top.lines.retain(
                    |(_, s), _| !matches!(s, Subject::Rule(f, n, _) if *f == family && n.as_str() == name),
                );
                return top.lines.len() < lines;
            }
            ["profile", name] if self.bfd => {
                self.all.blocks.remove(&Context::BfdProfile(name.parse().unwrap()));
            }
            _ => match read::opens(context, rest) {
                Some((Context::Router(vrf), _)) => self.all.blocks.retain(|c, _| match c {
                    Context::Router(v) | Context::Family(v, _) | Context::Vni(v, _) => *v != vrf,
                    _ => true,
                }),
                Some((inner, _)) => drop(self.all.blocks.remove(&inner)),
                None => return false,
            },
        }
        self.all.blocks.len() < before
    }

    /// What each session would be sent if FRR looked now.
    pub fn announced(&self) -> Announced {
        let mut announced = Announced::new();
        for (context, block) in &self.all.blocks {
            let Context::Family(vrf, family @ (AddressFamily::Ipv4Unicast | AddressFamily::Ipv6Unicast)) =
                context
            else {
                continue;
            };
            let mut table = BTreeMap::new();
            for (kind, subject) in block.lines.keys() {
                if let (Kind::Import, Subject::Vrf(from)) = (kind, subject) {
                    table.extend(self.own(from, *family));
                }
            }
            // A prefix of its own is preferred to an imported one.
            table.extend(self.own(vrf, *family));
            for (kind, subject) in block.lines.keys() {
                let (Kind::Activate, Subject::Neighbor(id)) = (kind, subject) else { continue };
                let map = block.lines.get(&(Kind::MapOut, subject.clone())).map(Value::as_str);
                let sent =
                    table.iter().filter(|(prefix, tag)| map.is_none_or(|map| self.permits(map, prefix, tag)));
                announced.extend(sent.map(|(prefix, _)| (vrf.clone(), id.clone(), *prefix)));
            }
        }
        announced
    }

    /// The prefixes of a VRF with their tags.
    fn own(&self, vrf: &Vrf, family: AddressFamily) -> Vec<(IpNet, String)> {
        let block = self.all.blocks.get(&Context::Family(vrf.clone(), family));
        let lines = block.into_iter().flat_map(|block| &block.lines);
        let marked = lines.filter_map(|((_, subject), value)| {
            let Subject::Prefix(prefix) = subject else { return None };
            if value.text.is_empty() {
                return Some((*prefix, String::new()));
            }
            let (_, class) = self.entries(&value.text).next()?;
            let tag = class.sole(Kind::SetTag).unwrap_or_default().to_owned();
            (class.head == "permit").then_some((*prefix, tag))
        });
        marked.collect()
    }

    fn entries<'s>(&'s self, map: &str) -> impl Iterator<Item = (u16, &'s Block<'static>)> {
        let name: FrrName = map.parse().unwrap();
        self.all.blocks.iter().filter_map(move |(context, block)| match context {
            Context::RouteMap(of, seq) if *of == name => Some((*seq, block)),
            _ => None,
        })
    }

    fn permits(&self, map: &str, prefix: &IpNet, tag: &str) -> bool {
        let matches = |block: &Block<'_>| {
            block.lines.iter().all(|((kind, subject), value)| match (kind, subject) {
                (Kind::MatchTag, _) => value.text == tag,
                (Kind::MatchPrefixList, Subject::Family(family)) => self.listed(&value.text, *family, prefix),
                _ => true,
            })
        };
        self.entries(map).find(|(_, block)| matches(block)).is_some_and(|(_, block)| block.head == "permit")
    }

    fn listed(&self, list: &str, family: Family, prefix: &IpNet) -> bool {
        let rules =
            self.all.blocks[&Context::Top].lines.iter().filter_map(|((_, subject), value)| match subject {
                Subject::Rule(of, name, _) if *of == family && name.as_str() == list => {
                    let words: Vec<&str> = value.text.split(' ').collect();
                    prefix_rule(*of, words[0], &words[1..])
                }
                _ => None,
            });
        let hits = |rule: &crate::config::PrefixRule| {
            let low = rule.ge.unwrap_or(rule.net.prefix_len());
            let exact = rule.ge.map_or(rule.net.prefix_len(), |_| rule.net.max_prefix_len());
            let range = low..=rule.le.unwrap_or(exact);
            Family::of(prefix.addr()) == family
                && rule.net.contains(prefix)
                && range.contains(&prefix.prefix_len())
        };
        rules.into_iter().find(hits).is_some_and(|rule| rule.action == crate::config::Action::Permit)
    }
}

/// Statements that `no` takes back without their value.
fn is_short(kind: Kind, given: &str) -> bool {
    match kind {
        Kind::Password
        | Kind::Timers
        | Kind::ConnectTimer
        | Kind::LocalAs
        | Kind::Port
        | Kind::UpdateSource => given.ends_with(text::keyword(kind)),
        Kind::SetCommunity | Kind::SetLargeCommunity | Kind::Network => true,
        _ => false,
    }
}
