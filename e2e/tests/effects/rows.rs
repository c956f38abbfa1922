//! One session per row of the table, in three forms: plain, and with two values of the row's statement.

use anyhow::{Context, Result};
use herald_frr::config::{
    Action, AddressFamily, BfdProfile, FrrConfig, Match, Neighbor, NeighborId, Origins, PrefixList,
    PrefixRule, RemoteAs, RouteMap, RouteMapEntry, Sets, Timers, UpdateSource,
};
use herald_frr::value::{Asn, Community, Family, FrrName, Tag};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

/// The AS of the node, and of its neighbors.
pub const OURS: u32 = 64500;
pub const THEIRS: u32 = 64501;

/// Tags of classes: every session gets the first, one gets those of the prefixes that change.
pub const GOLD: u32 = 1;
pub const SILVER: u32 = 2;
pub const LEAD: u32 = 3;
pub const IRON: u32 = 4;

/// A form of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Without the statement.
    Plain,
    /// With it.
    One,
    /// With another value, where it has one.
    Two,
}

/// What a session shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Nothing of this session changes; none of the others may touch it.
    Untouched,
    /// `ebgp`, or inside the AS.
    UntouchedInside,
    RemoteAs,
    /// The session goes, and comes back.
    Session,
    LocalAs,
    Password,
    Port,
    Multihop,
    DisableConnectedCheck,
    UpdateSource,
    GracefulRestart,
    ActivateIpv6,
    ActivateEvpn,
    /// IPv4 goes from a session that keeps IPv6.
    DeactivateIpv4,
    Timers,
    ConnectTimer,
    /// The neighbor answers.
    Bfd,
    /// It does not.
    BfdAlone,
    BfdProfile,
    /// The profile's values change.
    BfdValues,
    MapIn,
    MapOut,
    Match,
    SetOut,
    SetIn,
    NextHop,
    PrefixList,
    /// It gets the prefixes of the class that changes.
    Networks,
}

use Case::{
    ActivateEvpn, ActivateIpv6, Bfd, BfdAlone, BfdValues, ConnectTimer, DeactivateIpv4,
    DisableConnectedCheck, GracefulRestart, LocalAs, MapIn, MapOut, Multihop, Networks, NextHop, Password,
    Port, Session, SetIn, SetOut, Untouched, UntouchedInside,
};

/// A session's number is its place here.
pub const CASES: [Case; 28] = [
    Untouched,
    UntouchedInside,
    Case::RemoteAs,
    Session,
    LocalAs,
    Password,
    Port,
    Multihop,
    DisableConnectedCheck,
    Case::UpdateSource,
    GracefulRestart,
    ActivateIpv6,
    ActivateEvpn,
    DeactivateIpv4,
    Case::Timers,
    ConnectTimer,
    Bfd,
    BfdAlone,
    Case::BfdProfile,
    BfdValues,
    MapIn,
    MapOut,
    Case::Match,
    SetOut,
    SetIn,
    NextHop,
    Case::PrefixList,
    Networks,
];

/// Which effect of a row a step shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Nothing,
    Set,
    Change,
    Remove,
}

impl Case {
    /// The row, if there is one, and what becomes of it in a step.
    pub fn shows(self, from: Form, to: Form) -> Option<(&'static str, Shows)> {
        let usual = match (from, to) {
            (a, b) if a == b => Shows::Nothing,
            (Form::Plain, _) => Shows::Set,
            (_, Form::Plain) => Shows::Remove,
            _ => Shows::Change,
        };
        // What has no value has one form.
        let flag = if usual == Shows::Change { Shows::Nothing } else { usual };
        // What is always there.
        let value = if usual == Shows::Nothing { usual } else { Shows::Change };
        // What has its second value in the plain form too.
        let two = if (from, to) == (Form::Two, Form::Plain) { Shows::Nothing } else { value };
        Some(match self {
            Untouched | UntouchedInside | Networks => return None,
            Case::RemoteAs => ("neighbor N remote-as", value),
            // It is there in the plain form, and in no other.
            Session if flag == Shows::Set => ("neighbor N remote-as", Shows::Remove),
            Session if flag == Shows::Remove => ("neighbor N remote-as", Shows::Set),
            Session => ("neighbor N remote-as", Shows::Nothing),
            LocalAs => ("neighbor N local-as", usual),
            Password => ("neighbor N password", usual),
            Port => ("neighbor N port", usual),
            Multihop => ("neighbor N ebgp-multihop", flag),
            DisableConnectedCheck => ("neighbor N disable-connected-check", flag),
            Case::UpdateSource => ("neighbor N update-source", usual),
            GracefulRestart => ("neighbor N graceful-restart", flag),
            ActivateIpv6 | ActivateEvpn => ("neighbor N activate", flag),
            DeactivateIpv4 if flag == Shows::Set => ("neighbor N activate", Shows::Remove),
            DeactivateIpv4 if flag == Shows::Remove => ("neighbor N activate", Shows::Set),
            DeactivateIpv4 => ("neighbor N activate", Shows::Nothing),
            Case::Timers => ("neighbor N timers", usual),
            ConnectTimer => ("neighbor N timers connect", usual),
            Bfd | BfdAlone => ("neighbor N bfd", flag),
            Case::BfdProfile => ("neighbor N bfd profile", two),
            BfdValues => ("bfd profile", usual),
            MapIn => ("neighbor N route-map M in", two),
            MapOut => ("neighbor N route-map M out", two),
            Case::Match => ("route-map: match", usual),
            SetOut | SetIn | NextHop => ("route-map: set", usual),
            Case::PrefixList => ("ip|ipv6 prefix-list", usual),
        })
    }

    /// The neighbor's side, such that the session comes up.
    pub fn bird(self, number: u8, form: Form) -> Result<String> {
        let mut text = String::new();
        let theirs = match (self, form) {
            (UntouchedInside, _) => OURS,
            (Case::RemoteAs, Form::Two) => THEIRS + 1,
            _ => THEIRS,
        };
        let ours = if self == LocalAs && form != Form::Plain { OURS + 100 + form as u32 } else { OURS };
        write!(
            text,
            "router id 172.30.0.{own};\nprotocol device {{}}\nprotocol static {{ ipv4; route 10.9.{own}.0/24 blackhole; }}\n\
             protocol bfd {{ interface \"*\" {{ min rx interval 500 ms; min tx interval 500 ms; multiplier 5; }}; }}\n\
             protocol bgp node {{ local 172.30.0.{own} as {theirs}; neighbor 172.30.0.1 as {ours}; \
             connect delay time 1; connect retry time 1; error wait time 1, 2;",
            own = 10 + number
        )?;
        match (self, form) {
            (Password, Form::One) => text += " password \"one\";",
            (Password, Form::Two) => text += " password \"two\";",
            (Bfd | Case::BfdProfile | BfdValues, _) => text += " bfd on;",
            _ => {}
        }
        text += " ipv4 { import all; export all; };";
        if matches!(self, ActivateIpv6 | DeactivateIpv4) {
            text += " ipv6 { import all; export none; };";
        }
        Ok(text + " }\n")
    }

    /// Adds the session to the configuration.
    pub fn add(self, config: &mut FrrConfig, number: u8, form: Form) -> Result<()> {
        let id = NeighborId::Address(IpAddr::V4(Ipv4Addr::new(172, 30, 0, 10 + number)));
        let name = |what: &str| -> Result<FrrName> { Ok(format!("{id}-{what}").parse()?) };
        let mut neighbor = plain(name("in")?, name("out")?)?;
        let (mut into, mut out) = (entry(), entry());
        out.matches.tag = Some(Tag::ours(GOLD));
        self.settle(&mut neighbor, form)?;
        match (self, form) {
            (MapIn, Form::One) => neighbor.map_in = name("in-2")?,
            // The same but for its name would be no difference to the neighbor.
            (MapOut, Form::One) => {
                neighbor.map_out = name("out-2")?;
                out.sets = community("64500:1")?;
            }
            (Case::Match, Form::One) => into.matches.prefix_list = Some((Family::V4, "some".parse()?)),
            (Case::Match, Form::Two) => into.matches.prefix_list = Some((Family::V4, "others".parse()?)),
            (SetOut, Form::One) => out.sets = community("64500:1")?,
            (SetOut, Form::Two) => out.sets = community("64500:2")?,
            (SetIn, Form::One) => into.sets.local_preference = Some(200),
            (SetIn, Form::Two) => into.sets.local_preference = Some(300),
            (NextHop, Form::One) => out.sets.next_hop_v4 = Some(Ipv4Addr::new(172, 30, 0, 200)),
            (NextHop, Form::Two) => out.sets.next_hop_v4 = Some(Ipv4Addr::new(172, 30, 0, 201)),
            (Case::PrefixList, _) => {
                into.matches.prefix_list = Some((Family::V4, "grows".parse()?));
                config.prefix_lists.insert(("grows".parse()?, Family::V4), growing(form)?);
            }
            _ => {}
        }
        config.route_maps.insert(neighbor.map_in.clone(), RouteMap { entries: [(1, into)].into() });
        let mut out = RouteMap { entries: [(1, out)].into() };
        if self == Networks {
            for tag in [LEAD, IRON] {
                let matches = Match { tag: Some(Tag::ours(tag)), prefix_list: None };
                out.entries.insert(u16::try_from(tag)?, RouteMapEntry { matches, ..entry() });
            }
        }
        config.route_maps.insert(neighbor.map_out.clone(), out);
        if self == Session && form != Form::Plain {
            return Ok(());
        }
        let router = config.routers.get_mut(&None).context("no router")?;
        router.neighbors.insert(id, neighbor);
        Ok(())
    }

    /// The settings of the session itself.
    fn settle(self, neighbor: &mut Neighbor, form: Form) -> Result<()> {
        let on = form != Form::Plain;
        let pick = |one: u16, two: u16| match form {
            Form::Plain => None,
            Form::One => Some(one),
            Form::Two => Some(two),
        };
        match self {
            UntouchedInside => neighbor.remote_as = RemoteAs::Internal,
            Case::RemoteAs if form == Form::One => neighbor.remote_as = RemoteAs::External,
            Case::RemoteAs if form == Form::Two => neighbor.remote_as = RemoteAs::Number(asn(THEIRS + 1)?),
            LocalAs if on => neighbor.local_as = Some(asn(OURS + 100 + form as u32)?),
            Password if on => {
                neighbor.password = Some(if form == Form::One { "one" } else { "two" }.parse()?);
            }
            Port => neighbor.port = pick(1179, 1180),
            Multihop => neighbor.ebgp_multihop = on,
            DisableConnectedCheck => neighbor.disable_connected_check = on,
            Case::UpdateSource if form == Form::One => {
                neighbor.update_source = Some(UpdateSource::Address("172.30.0.1".parse()?));
            }
            Case::UpdateSource if on => {
                neighbor.update_source = Some(UpdateSource::Interface("eth0".parse()?));
            }
            GracefulRestart => neighbor.graceful_restart = on,
            ActivateIpv6 if on => drop(neighbor.families.insert(AddressFamily::Ipv6Unicast)),
            ActivateEvpn if on => drop(neighbor.families.insert(AddressFamily::L2vpnEvpn)),
            DeactivateIpv4 if on => neighbor.families = [AddressFamily::Ipv6Unicast].into(),
            DeactivateIpv4 => drop(neighbor.families.insert(AddressFamily::Ipv6Unicast)),
            Case::Timers => neighbor.timers = pick(30, 20).map(|k| Timers { keepalive: k, hold: k * 3 }),
            ConnectTimer => neighbor.connect_timer = pick(5, 7),
            Bfd | BfdAlone if on => neighbor.bfd_profile = Some("calm".parse()?),
            Case::BfdProfile => {
                neighbor.bfd_profile = Some(if form == Form::One { "fast" } else { "calm" }.parse()?);
            }
            BfdValues => neighbor.bfd_profile = Some("values".parse()?),
            _ => {}
        }
        Ok(())
    }
}

pub fn asn(number: u32) -> Result<Asn> {
    Ok(i64::from(number).try_into()?)
}

fn plain(map_in: FrrName, map_out: FrrName) -> Result<Neighbor> {
    Ok(Neighbor {
        remote_as: RemoteAs::Number(asn(THEIRS)?),
        ebgp_multihop: false,
        local_as: None,
        port: None,
        timers: None,
        connect_timer: Some(1),
        password: None,
        update_source: None,
        graceful_restart: false,
        bfd_profile: None,
        disable_connected_check: false,
        families: [AddressFamily::Ipv4Unicast].into(),
        map_in,
        map_out,
        origins: Origins::new(),
    })
}

/// Takes every route.
pub fn entry() -> RouteMapEntry {
    RouteMapEntry {
        action: Action::Permit,
        matches: Match::default(),
        sets: Sets::default(),
        origins: Origins::new(),
    }
}

fn community(word: &str) -> Result<Sets> {
    match word.parse()? {
        Community::Standard(community) => Ok(Sets { communities: [community].into(), ..Sets::default() }),
        Community::Large(_) => anyhow::bail!("{word} is large"),
    }
}

/// A list of one rule.
pub fn list(net: &str) -> Result<PrefixList> {
    Ok(PrefixList { rules: [(1, rule(net)?)].into() })
}

fn rule(net: &str) -> Result<PrefixRule> {
    Ok(PrefixRule {
        action: Action::Permit,
        net: net.parse()?,
        ge: None,
        le: Some(32),
        origins: Origins::new(),
    })
}

fn growing(form: Form) -> Result<PrefixList> {
    let mut grows = list("10.0.0.0/8")?;
    match form {
        Form::Plain => {}
        Form::One => drop(grows.rules.insert(2, rule("172.16.0.0/12")?)),
        Form::Two => drop(grows.rules.insert(2, rule("192.168.0.0/16")?)),
    }
    Ok(grows)
}

/// Profiles that sessions name, and the one whose values change.
pub fn profiles(config: &mut FrrConfig, form: Form) -> Result<()> {
    let slow =
        BfdProfile { transmit_interval: Some(500), receive_interval: Some(500), ..BfdProfile::default() };
    config.bfd_profiles.insert("calm".parse()?, slow.clone());
    config.bfd_profiles.insert("fast".parse()?, BfdProfile { detect_multiplier: Some(5), ..slow.clone() });
    let values = match form {
        Form::Plain => slow,
        Form::One => BfdProfile { detect_multiplier: Some(7), minimum_ttl: Some(250), ..slow },
        Form::Two => BfdProfile { detect_multiplier: Some(9), transmit_interval: Some(700), ..slow },
    };
    config.bfd_profiles.insert("values".parse()?, values);
    Ok(())
}
