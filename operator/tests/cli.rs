//! The `herald` command as its users see it: what it prints, and how it exits.

mod support;

use support::{Folder, herald};

const NETWORK: &str = "docs/examples/gitops/old";
const NODES: &str = "docs/examples/gitops/nodes.yaml";

#[test]
fn render_prints_the_configuration_of_a_node_and_nothing_else() {
    let run = herald(&["render", "-f", NETWORK, "--nodes", NODES, "--node", "node-a"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout_is("render-node-a.conf");
}

#[test]
fn render_without_nodes_makes_up_the_one_that_is_named() {
    let with = herald(&["render", "-f", NETWORK, "--nodes", NODES, "--node", "node-a"]);
    let without = herald(&["render", "-f", NETWORK, "--node", "node-a"]);
    assert_eq!((without.code, without.stdout), (0, with.stdout));
}

#[test]
fn render_writes_a_file_for_each_node() {
    let folder = Folder::new();
    let out = folder.path("out");
    let run = herald(&["render", "-f", NETWORK, "--nodes", NODES, "--out", &out]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert_eq!(folder.files("out"), ["node-a.conf", "node-b.conf", "node-c.conf"]);
    let one = herald(&["render", "-f", NETWORK, "--nodes", NODES, "--node", "node-c"]);
    assert_eq!(folder.read("out/node-c.conf"), one.stdout);
}

#[test]
fn passwords_print_only_when_asked_for_and_then_for_their_owner() {
    let folder = Folder::new();
    folder.write("peer.yaml", include_str!("input/password.yaml"));
    let path = folder.path("");
    let masked = herald(&["render", "-f", &path, "--node", "n"]);
    assert!(
        !masked.stdout.contains("s3cret") && masked.stdout.contains("password <masked>"),
        "{}",
        masked.stdout
    );
    let shown = herald(&["render", "-f", &path, "--node", "n", "--show-secrets"]);
    assert!(shown.stdout.contains("password s3cret"), "{}", shown.stdout);
    let out = folder.path("out");
    herald(&["render", "-f", &path, "--node", "n", "--show-secrets", "--out", &out]);
    assert_eq!(folder.mode("out/n.conf"), 0o600);
}

#[test]
fn a_bad_object_is_named_and_left_out() {
    let folder = Folder::new();
    folder.write("pool.yaml", include_str!("input/bad-pool.yaml"));
    let path = folder.path("");
    let run = herald(&["render", "-f", NETWORK, "-f", &path, "--node", "node-a"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("router bgp 64512"), "{}", run.stdout);
    assert!(run.stderr.contains("pool.yaml:7:"), "{}", run.stderr);
    assert!(
        run.stderr.contains("error: IPAddressPool metallb-system/bad spec.addresses[0]"),
        "{}",
        run.stderr
    );

    let strict = herald(&["render", "-f", NETWORK, "-f", &path, "--node", "node-a", "--strict"]);
    assert_eq!((strict.code, strict.stdout.as_str()), (1, ""));
}

#[test]
fn validate_lists_problems_with_their_places() {
    let folder = Folder::new();
    folder.write("pool.yaml", include_str!("input/bad-pool.yaml"));
    let run = folder.herald(&["validate", "-f", "pool.yaml"]);
    assert_eq!(run.code, 1);
    run.stdout_is("validate.txt");
    let json = folder.herald(&["validate", "-f", "pool.yaml", "--format", "json"]);
    assert_eq!(json.code, 1);
    json.stdout_is("validate.json");
}

#[test]
fn warnings_are_errors_only_when_strict() {
    let folder = Folder::new();
    // There is no pool to give it an address.
    folder.write("service.yaml", include_str!("input/first-service.yaml"));
    let run = folder.herald(&["validate", "-f", "service.yaml"]);
    assert!(run.code == 0 && run.stdout.ends_with("0 errors, 1 warning\n"), "{}", run.stdout);
    let strict = folder.herald(&["validate", "-f", "service.yaml", "--strict"]);
    assert!(strict.code == 1 && strict.stdout.ends_with("1 error, 0 warnings\n"), "{}", strict.stdout);
}

#[test]
fn plan_shows_who_gets_what_and_why_not() {
    let folder = Folder::new();
    folder.write("services.yaml", include_str!("input/services.yaml"));
    let path = folder.path("services.yaml");
    let run = herald(&["plan", "-f", NETWORK, "-f", &path, "--nodes", NODES]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout_is("plan.txt");
    let json = herald(&["plan", "-f", NETWORK, "-f", &path, "--nodes", NODES, "--format", "json"]);
    json.stdout_is("plan.json");
}

#[test]
fn recorded_addresses_never_move() {
    let folder = Folder::new();
    folder.copy("docs/examples/gitops/old", "cluster");
    let write = folder.herald(&["plan", "-f", "cluster", "--write"]);
    assert_eq!(write.code, 0, "{}", write.stderr);
    let recorded = folder.read("cluster/allocations.yaml");
    // A Service whose name comes first would get the first address.
    folder.write("cluster/services/first.yaml", include_str!("input/first-service.yaml"));
    let again = folder.herald(&["plan", "-f", "cluster", "--write"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let then = folder.read("cluster/allocations.yaml");
    for address in ["198.51.100.0", "198.51.100.80"] {
        let holder = |text: &str| {
            text.split("---").find(|d| d.contains(&format!("ip: {address}\n"))).map(str::to_owned)
        };
        assert!(
            holder(&recorded).is_some() && holder(&recorded) == holder(&then),
            "{recorded}\nthen\n{then}"
        );
    }
    let same = folder.herald(&["plan", "-f", "cluster", "--write"]);
    assert_eq!((same.code, folder.read("cluster/allocations.yaml")), (0, then));
}

#[test]
fn nothing_is_recorded_while_objects_have_errors() {
    let folder = Folder::new();
    folder.copy("docs/examples/gitops/old", "cluster");
    folder.write("cluster/bad.yaml", include_str!("input/bad-pool.yaml"));
    let run = folder.herald(&["plan", "-f", "cluster", "--write"]);
    assert!(run.code == 1 && run.stderr.contains("not written"), "{}", run.stderr);
    assert!(!folder.exists("cluster/allocations.yaml"));
}

#[test]
fn state_says_who_holds_which_address() {
    let state = "docs/examples/gitops/state.yaml";
    let run = herald(&["render", "-f", NETWORK, "--node", "node-a", "--state", state]);
    assert!(run.stdout.contains("network 198.51.100.7/32"), "{}", run.stdout);
    assert!(run.stdout.contains("network 198.51.100.80/32"), "{}", run.stdout);
}

#[test]
fn diff_says_in_words_and_lines_what_changes() {
    let new = "docs/examples/gitops/new";
    let run = herald(&["diff", NETWORK, new, "--nodes", NODES, "--allow-missing-secrets"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    run.stdout_is("diff.txt");
    let docs = support::read("docs/gitops.md");
    let summary = run.stdout.split("\n\n").next().unwrap_or_default();
    assert!(docs.contains(summary), "docs/gitops.md shows another summary than\n{summary}");
}

#[test]
fn diff_says_which_changes_reset_a_session() {
    let folder = Folder::new();
    let peer = include_str!("input/password.yaml");
    folder.write("old/peer.yaml", peer);
    let cases = [
        ("  password: other\n", "session 192.0.2.1 reset (password)"),
        ("  password: s3cret\n  holdTime: 30s\n", "session 192.0.2.1 changed without a reset (timers)"),
        (
            "  password: s3cret\n  connectTime: 5s\n",
            "session 192.0.2.1 changed without a reset (connect timer)",
        ),
        ("  password: s3cret\n  routerID: 192.0.2.9\n", "session 192.0.2.1 reset (router-id)"),
    ];
    for (edit, line) in cases {
        folder.write("new/peer.yaml", &peer.replace("  password: s3cret\n", edit));
        let run = folder.herald(&["diff", "old", "new", "--node", "n"]);
        assert!(run.code == 1 && run.stdout.contains(line), "{line}\n{}{}", run.stdout, run.stderr);
        assert!(!run.stdout.contains("s3cret"), "{}", run.stdout);
    }
    let renamed = peer.replace("192.0.2.1", "192.0.2.2");
    folder.write("new/peer.yaml", &renamed);
    let run = folder.herald(&["diff", "old", "new", "--node", "n"]);
    for line in ["session 192.0.2.1 (AS 64513) removed", "session 192.0.2.2 (AS 64513) added"] {
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
}

#[test]
fn diff_exits_as_diff_does() {
    let same = herald(&["diff", NETWORK, NETWORK, "--nodes", NODES]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""));
    // The Secret is absent: NEW has an error.
    let refused = herald(&["diff", NETWORK, "docs/examples/gitops/new", "--nodes", NODES]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let unread = herald(&["diff", NETWORK, "docs/examples/gitops/absent", "--nodes", NODES]);
    assert!(unread.code == 2 && unread.stderr.contains("absent"), "{}", unread.stderr);
}

#[test]
fn usage_errors_exit_2_and_say_what_to_do() {
    let cases: [(&[&str], &str); 6] = [
        (&["render"], "--filename"),
        (&["render", "-f", NETWORK], "--node NAME"),
        (&["render", "-f", NETWORK, "--out", "x"], "--nodes FILE"),
        (&["render", "-f", NETWORK, "--nodes", NODES, "--node", "node-x"], "node-a, node-b, node-c"),
        (&["render", "-f", NETWORK, "--out", "x", "--fallback-router-id", "192.0.2.9"], "--node"),
        (&["diff", NETWORK, NETWORK], "--nodes FILE"),
    ];
    for (args, hint) in cases {
        let run = herald(args);
        assert!(
            run.code == 2 && run.stdout.is_empty() && run.stderr.contains(hint),
            "{args:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn help_version_and_completions_are_on_standard_output() {
    for args in [&["--help"][..], &["render", "--help"], &["--version"], &["completions", "bash"]] {
        let run = herald(args);
        assert!(run.code == 0 && !run.stdout.is_empty() && run.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn manifests_come_from_standard_input_too() {
    let text = support::read("docs/examples/gitops/old/network.yaml");
    let run = support::herald_with_input(&["validate", "-f", "-"], &text);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn services_that_only_the_state_has_keep_their_addresses_and_are_not_rendered() {
    let folder = Folder::new();
    folder.copy("docs/examples/gitops/old", "cluster");
    let text = support::read("docs/examples/gitops/state.yaml").replace("198.51.100.7", "198.51.100.0");
    folder.write("state.yaml", &text.replace("name: web", "name: elsewhere"));
    let run = folder.herald(&["render", "-f", "cluster", "--node", "node-a", "--state", "state.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("network 198.51.100.0/32"), "{}", run.stdout);
    assert!(run.stdout.contains("network 198.51.100.1/32"), "{}", run.stdout);
}

#[test]
fn endpoints_strict_announces_only_what_is_known_to_be_ready() {
    let assumed = herald(&["render", "-f", NETWORK, "--node", "node-a"]);
    assert!(assumed.stderr.contains("counted as ready on every node"), "{}", assumed.stderr);
    let strict = herald(&["render", "-f", NETWORK, "--node", "node-a", "--endpoints=strict"]);
    assert!(
        assumed.stdout.contains("network 198.") && !strict.stdout.contains("network 198."),
        "{}",
        strict.stdout
    );
    assert!(!strict.stderr.contains("EndpointSlice"), "{}", strict.stderr);
}

#[test]
fn namespace_leaves_out_the_configuration_of_others() {
    let own = herald(&["render", "-f", NETWORK, "--node", "n", "--namespace", "metallb-system"]);
    assert!(own.stdout.contains("router bgp 64512"), "{}", own.stdout);
    let other = herald(&["render", "-f", NETWORK, "--node", "n", "--namespace", "elsewhere"]);
    assert!(other.code == 0 && !other.stdout.contains("router bgp"), "{}", other.stdout);
}

#[test]
fn annotate_says_where_lines_come_from() {
    let run = herald(&["render", "-f", NETWORK, "--node", "n", "--annotate"]);
    for origin in ["! BGPPeer metallb-system/tor-a", "! Service shop/web"] {
        assert!(run.stdout.contains(origin), "{origin}\n{}", run.stdout);
    }
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let runs = [
        herald(&["plan", "-f", NETWORK, "--node", "n"]),
        herald(&["diff", NETWORK, "docs/examples/gitops/new", "--nodes", NODES]),
        herald(&["validate", "-f", "docs/examples/gitops/new"]),
    ];
    for run in runs {
        assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn plan_says_that_a_node_is_elected_where_only_layer_2_announces() {
    let run = herald(&["plan", "-f", "operator/tests/input/layer2.yaml"]);
    assert!(run.code == 0 && !run.stdout.contains("notOwner"), "{}{}", run.stdout, run.stderr);
    let line = run.stdout.lines().find(|line| line.starts_with("shop/web")).unwrap_or_default();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells, ["shop/web", "203.0.113.0", "lan", "layer2", "elected", "-", "-"]);
}

#[test]
fn standard_input_is_never_read_twice() {
    for arguments in [
        ["diff", "-", "-", "--node", "n"].as_slice(),
        &["diff", NETWORK, "docs/examples/gitops/new", "--nodes", "-"],
        &["plan", "-f", "-", "--state", "-"],
    ] {
        let run = herald(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.contains("standard input"), "{}", run.stderr);
    }
}

#[test]
fn a_file_that_is_not_utf8_is_a_problem_of_its_own() {
    let folder = Folder::new();
    folder.copy("docs/examples/gitops/old", "cluster");
    std::fs::write(folder.path("cluster/latin1.yaml"), b"# caf\xe9\n").expect("write");
    let run = herald(&["render", "-f", &folder.path("cluster"), "--node", "node-a"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("latin1.yaml:1:6: error:") && run.stdout.contains("router bgp 64512"));
}

#[test]
fn every_problem_in_json_has_the_same_keys() {
    let folder = Folder::new();
    folder.write("pool.yaml", include_str!("input/bad-pool.yaml"));
    let run = herald(&["validate", "-f", &folder.path(""), "--format", "json"]);
    for key in ["severity", "object", "field", "reason", "message", "nodes", "location"] {
        assert!(run.stdout.contains(&format!("\"{key}\":")), "{key} in {}", run.stdout);
    }
}

#[test]
fn what_no_node_can_be_called_is_a_usage_error() {
    for name in ["", "a b", "../x", "a..b", "-a", "Node"] {
        let run = herald(&["render", "-f", NETWORK, &format!("--node={name}")]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name:?}: {}", run.stderr);
        assert!(run.stderr.contains("no name of a Node"), "{}", run.stderr);
    }
}
