//! What is kept comes back, and nobody else can read it.

use super::*;
use std::sync::Arc;

fn config(text: &str) -> FrrConfig {
    let raw = RawSnippet {
        text: RawConfig::new("router bgp 1\n neighbor 192.0.2.9 weight 3"),
        origins: Origins::new(),
    };
    FrrConfig { raw: vec![raw], ..running::parse(text).config }
}

fn kept(config: &FrrConfig, settled: Option<Run>) -> Kept {
    Kept { config: Arc::new(config.clone()), whole: true, settled }
}

#[test]
fn what_is_kept_comes_back_and_nobody_else_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let config = config("ip prefix-list nothing seq 5 deny any\n");
    State::open(&path, None).unwrap().keep_last_good(&kept(&config, None)).unwrap();
    let state = State::open(&path, None).unwrap();
    assert_eq!(state.last_good().unwrap(), Some(config));
    for name in ["", "last-good.conf", "last-good-raw.json"] {
        let mode = fs::metadata(path.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn what_a_killed_agent_had_begun_to_write_goes() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("ip prefix-list nothing seq 5 deny any\n");
    for name in [".last-good.conf.new", ".intent-4.conf.new"] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    let mut state = State::open(folder.path(), None).unwrap();
    fs::write(folder.path().join(".last-good.conf.new"), "half").unwrap();
    state.keep_last_good(&kept(&config, None)).unwrap();
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let hidden: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn what_was_intended_is_known_until_it_is_done_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open(folder.path(), None).unwrap();
    let (one, two) = (config("route-map one permit 1\nexit\n"), config("route-map two permit 1\nexit\n"));
    state.intend(3, &one).unwrap();
    state.intend(7, &two).unwrap();
    let (last, given) = State::open(folder.path(), None).unwrap().given().unwrap();
    assert_eq!((last, given.len()), (7, 2));
    state.keep_last_good(&kept(&one, Some(3))).unwrap();
    assert_eq!(state.given().unwrap(), (7, vec![two.clone()]), "the second apply is still under way");
    state.keep_last_good(&kept(&two, Some(7))).unwrap();
    assert_eq!(state.given().unwrap(), (0, Vec::new()));
    // A first apply that was taken back leaves nothing to keep.
    state.intend(8, &one).unwrap();
    state.forget_intents(8).unwrap();
    assert_eq!(state.given().unwrap(), (0, Vec::new()));
    assert!(!folder.path().join("intent-8-raw.json").exists());
}

#[test]
fn the_file_that_frr_boots_from_is_complete_and_activates_sessions_last() {
    let folder = tempfile::tempdir().unwrap();
    let (base, path) = (folder.path().join("base.conf"), folder.path().join("frr.conf"));
    fs::write(&base, "hostname leaf\nlog syslog").unwrap();
    let boot = Boot::new(&path, Some(&base)).unwrap();
    let mut state = State::open(&folder.path().join("state"), Some(boot)).unwrap();
    let family = |family: &str, prefix: &str| {
        format!(
            " address-family {family} unicast\n  network {prefix}\n  neighbor 192.0.2.9 activate\n  \
             neighbor 192.0.2.9 route-map 192.0.2.9-in in\n  neighbor 192.0.2.9 route-map 192.0.2.9-out out\n \
             exit-address-family\n"
        )
    };
    let text = format!(
        "route-map 192.0.2.9-in permit 1\nexit\nroute-map 192.0.2.9-out permit 1\nexit\n\
         router bgp 64500\n neighbor 192.0.2.9 remote-as 64501\n{}{}exit\n",
        family("ipv4", "198.51.100.1/32"),
        family("ipv6", "2001:db8::1/128")
    );
    let config = FrrConfig { raw: Vec::new(), ..config(&text) };
    state.keep_last_good(&kept(&config, None)).unwrap();
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("hostname leaf\nlog syslog\n"), "{written}");
    let last_network = written.rfind(" network ").unwrap();
    assert!(written.find(" activate").unwrap() > last_network, "{written}");
    // FRR starts the sessions at once behind these lines.
    let quick = "route-map 192.0.2.9-out deny 2\nexit\nbgp route-map delay-timer 1\nno route-map 192.0.2.9-out deny 2\n\
                 no bgp route-map delay-timer\n";
    let written = written.strip_suffix(quick).unwrap();
    assert_eq!(running::parse(written).config, running::parse(&text).config, "{written}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_changed_prefix_is_put_into_the_files_unless_somebody_touched_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frr.conf");
    let boot = Boot::new(&path, None).unwrap();
    let mut state = State::open(&folder.path().join("state"), Some(boot)).unwrap();
    let with = |numbers: &[u8]| {
        let line = |n: &u8| format!("  network 198.51.100.{n}/32\n");
        let networks = numbers.iter().map(line).collect::<Vec<_>>().concat();
        config(&format!(
            "router bgp 64500\n address-family ipv4 unicast\n{networks} exit-address-family\nexit\n"
        ))
    };
    let networks = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("  network ")).map(|line| line[10..].to_owned()).collect()
    };
    let boots_with = || networks(&fs::read_to_string(&path).unwrap());
    state.keep_last_good(&kept(&with(&[1, 2]), None)).unwrap();
    state.keep_last_good(&kept(&with(&[1, 2, 3]), None)).unwrap();
    assert_eq!(state.last_good().unwrap(), Some(with(&[1, 2, 3])));
    // The new line stands first: the rest was not made anew.
    assert_eq!(boots_with(), ["198.51.100.3/32", "198.51.100.1/32", "198.51.100.2/32"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&path, "! written by hand\n").unwrap();
    state.keep_last_good(&kept(&with(&[2, 3]), None)).unwrap();
    assert_eq!(boots_with(), ["198.51.100.2/32", "198.51.100.3/32"]);
    assert_eq!(state.last_good().unwrap(), Some(with(&[2, 3])));
}
