use super::{bgp, build, check, errors, node, object, pool};

#[test]
fn every_rule_of_a_bgp_advertisement_alone() {
    check(
        "BGPAdvertisement",
        &[
            ("{}", &[], ""),
            ("{localPref: 4294967295, communities: ['1:2', 'large:1:2:4294967295']}", &[], ""),
            ("{aggregationLength: 33}", &["spec.aggregationLength InvalidAggregationLength"], "33"),
            ("{aggregationLength: 0}", &["spec.aggregationLength InvalidAggregationLength"], ""),
            ("{aggregationLengthV6: 129}", &["spec.aggregationLengthV6 InvalidAggregationLength"], ""),
            ("{localPref: -1}", &["spec.localPref InvalidLocalPref"], ""),
            ("{localPref: 4294967296}", &["spec.localPref InvalidLocalPref"], ""),
            (
                "{ipAddressPools: [x, x]}",
                &["spec.ipAddressPools[1] DuplicateItem"],
                "duplicate definition of ipAddressPools \"x\"",
            ),
            ("{peers: [x, x]}", &["spec.peers[1] DuplicateItem"], "duplicate definition of peers \"x\""),
            (
                "{serviceSelectors: [{}], aggregationLength: 24}",
                &["spec.aggregationLength ServiceSelectorsWithAggregation"],
                "serviceSelectors and aggregationLength are mutually exclusive",
            ),
            (
                "{serviceSelectors: [{}], aggregationLengthV6: 64}",
                &["spec.aggregationLengthV6 ServiceSelectorsWithAggregation"],
                "serviceSelectors and aggregationLengthV6 are mutually exclusive",
            ),
            ("{serviceSelectors: [{}], aggregationLength: 32, aggregationLengthV6: 128}", &[], ""),
        ],
    );
}

#[test]
fn every_rule_of_communities() {
    let many: Vec<String> = (0..64).map(|n| format!("'1:{n}'")).collect();
    let many = format!("{{communities: [{}]}}", many.join(","));
    check(
        "BGPAdvertisement",
        &[
            (
                "{communities: ['1:2', '1:2']}",
                &["spec.communities[1] DuplicateCommunity"],
                "duplicate definition of community \"1:2\"",
            ),
            (
                "{communities: ['99999999:1']}",
                &["spec.communities[0] InvalidCommunity"],
                "invalid section \"99999999\"",
            ),
            (
                "{communities: ['1:99999999']}",
                &["spec.communities[0] InvalidCommunity"],
                "invalid community value",
            ),
            (
                "{communities: ['big:1:2:3']}",
                &["spec.communities[0] InvalidCommunity"],
                "expected community to be of format large:<uint32>:<uint32>:<uint32>",
            ),
            ("{communities: ['+1:2']}", &["spec.communities[0] InvalidCommunity"], "invalid section \"+1\""),
            (
                "{communities: ['1234']}",
                &["spec.communities[0] UnknownCommunity"],
                "invalid community format: 1234",
            ),
            (
                "{communities: [gold]}",
                &["spec.communities[0] UnknownCommunity"],
                "no Community defines such an alias",
            ),
            (
                "{communities: ['1:2:3']}",
                &["spec.communities[0] UnknownCommunity"],
                "invalid community format",
            ),
            (&many, &["spec.communities TooManyCommunities"], "64"),
        ],
    );
}

#[test]
fn every_rule_of_selectors() {
    check(
        "BGPAdvertisement",
        &[
            (
                "{nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}",
                &["spec.nodeSelectors[1] DuplicateSelector"],
                "duplicate definition of nodeSelectors",
            ),
            (
                "{nodeSelectors: [{matchExpressions: [{key: h, operator: In, values: [x, z]}, {key: h, operator: In, values: [z, x]}]}]}",
                &["spec.nodeSelectors[0] DuplicateSelector"],
                "duplicate definition of match expressions",
            ),
            (
                "{ipAddressPoolSelectors: [{matchExpressions: [{key: '', operator: Exists}]}]}",
                &["spec.ipAddressPoolSelectors[0] InvalidSelector"],
                "is not a valid label key",
            ),
            (
                "{serviceSelectors: [{matchExpressions: [{key: a, operator: surrounds}]}]}",
                &["spec.serviceSelectors[0] InvalidSelector"],
                "\"surrounds\" is not a valid label selector operator",
            ),
        ],
    );
}

#[test]
fn every_rule_of_an_l2_advertisement_alone() {
    check(
        "L2Advertisement",
        &[
            ("{}", &[], ""),
            (
                "{ipAddressPools: [x, x]}",
                &["spec.ipAddressPools[1] DuplicateItem"],
                "duplicate definition of ipAddressPools",
            ),
            ("{interfaces: ['eth 0']}", &["spec.interfaces[0] InvalidInterfaceName"], ""),
            (
                "{preferredNodeSelectors: [{weight: 0, preference: {}}, {weight: 101, preference: {}}]}",
                &[
                    "spec.preferredNodeSelectors[0].weight InvalidWeight",
                    "spec.preferredNodeSelectors[1].weight InvalidWeight",
                ],
                "",
            ),
            (
                "{preferredNodeSelectors: [{weight: 5, preference: {matchExpressions: [{key: a, operator: In}]}}]}",
                &["spec.preferredNodeSelectors[0].preference InvalidSelector"],
                "",
            ),
            // The same preference may count twice.
            ("{preferredNodeSelectors: [{weight: 5, preference: {}}, {weight: 5, preference: {}}]}", &[], ""),
        ],
    );
}

#[test]
fn every_rule_of_a_community() {
    check(
        "Community",
        &[
            ("{communities: [{name: x, value: '1:2'}, {name: z, value: 'large:1:2:3'}]}", &[], ""),
            (
                "{communities: [{name: x, value: '99999999:1'}]}",
                &["spec.communities[0].value InvalidCommunity"],
                "invalid section",
            ),
            (
                "{communities: [{name: x, value: '1234'}]}",
                &["spec.communities[0].value InvalidCommunity"],
                "invalid community format: 1234",
            ),
            ("{communities: [{name: x}]}", &["spec.communities[0] InvalidCommunity"], ""),
            (
                "{communities: [{name: x, value: '1:2'}, {name: x, value: '1:2'}]}",
                &["spec.communities[1].name DuplicateCommunity"],
                "duplicate definition of community \"x\"",
            ),
        ],
    );
}

#[test]
fn every_rule_of_a_bfd_profile() {
    let field = |field: &str, value: i64| format!("{{{field}: {value}}}");
    let bounds = [
        ("receiveInterval", 10, 60_000),
        ("transmitInterval", 10, 60_000),
        ("echoInterval", 10, 60_000),
        ("detectMultiplier", 2, 255),
        ("minimumTtl", 1, 254),
    ];
    for (name, low, high) in bounds {
        let refused = format!("spec.{name} BFDValueOutOfRange");
        let range = format!("must be in {low}-{high} range");
        check(
            "BFDProfile",
            &[
                (&field(name, low), &[], ""),
                (&field(name, high), &[], ""),
                (&field(name, low - 1), &[&refused], &range),
                (&field(name, high + 1), &[&refused], &range),
            ],
        );
    }
}

#[test]
fn an_aggregate_must_not_be_wider_than_the_pool() {
    let advertisement = |spec| bgp("ad", spec);
    let narrow = pool("a", "1.1.1.0/28");
    let built = build(&(narrow.clone() + &advertisement("{aggregationLength: 26}")));
    let problem = built.problems.iter().find(|p| p.reason == "AggregationWiderThanPool").unwrap();
    assert!(
        problem.message.contains(
            "invalid aggregation length 26: prefix 28 in this pool is more specific than the aggregation length \
             for addresses 1.1.1.0/28"
        ),
        "{}",
        problem.message
    );
    assert!(errors(&(narrow + &advertisement("{aggregationLength: 28}"))).is_empty());
    let range = pool("a", "3.3.3.2-3.3.3.254");
    assert!(errors(&(range.clone() + &advertisement("{aggregationLength: 26}"))).is_empty());
    assert_eq!(errors(&(range + &advertisement("{aggregationLength: 24}"))).len(), 1);
    let v6 = pool("a", "'2001:db8::/64'");
    let wide = errors(&(v6 + &advertisement("{aggregationLengthV6: 60}")));
    assert_eq!(wide, ["BGPAdvertisement ad spec.aggregationLengthV6 AggregationWiderThanPool"]);
}

#[test]
fn a_pool_that_does_not_fit_does_not_take_the_others_with_it() {
    let yaml = pool("a", "1.1.1.0/28") + &pool("b", "1.1.2.0/24") + &bgp("ad", "{aggregationLength: 26}");
    let built = build(&yaml);
    let pools: Vec<&str> = built.model.bgp_advertisements["ad"].pools.iter().map(|p| &**p).collect();
    assert_eq!(pools, ["b"]);
}

#[test]
fn local_preference_of_one_announcement_must_be_one() {
    let v4 = "10.20.30.0/24";
    let dual = "10.20.30.0/24, 'fc00:1::/64'";
    let conflict: &[&str] = &["BGPAdvertisement z spec.localPref ConflictingLocalPref"];
    let table: [(&str, &str, &str, &[&str]); 9] = [
        (v4, "{localPref: 100}", "{localPref: 200}", conflict),
        (v4, "{localPref: 100}", "{}", conflict),
        (v4, "{localPref: 100}", "{localPref: 100}", &[]),
        (v4, "{localPref: 100, aggregationLength: 24}", "{localPref: 200}", &[]),
        (v4, "{localPref: 100, aggregationLengthV6: 64}", "{localPref: 200}", conflict),
        (dual, "{localPref: 100, aggregationLength: 24}", "{localPref: 200}", conflict),
        (dual, "{localPref: 100, aggregationLength: 24, aggregationLengthV6: 64}", "{localPref: 200}", &[]),
        (v4, "{localPref: 100, peers: [p]}", "{localPref: 200, peers: [q]}", &[]),
        (v4, "{localPref: 100, peers: [p]}", "{localPref: 200}", conflict),
    ];
    for (addresses, one, other, expected) in table {
        let yaml = pool("a", addresses) + &bgp("x", one) + &bgp("z", other);
        assert_eq!(errors(&yaml), expected, "{addresses} {one} {other}");
    }
}

#[test]
fn local_preferences_differ_freely_on_nodes_pools_and_services_apart() {
    let on = |node: &str, pref: u32| {
        format!("{{localPref: {pref}, nodeSelectors: [{{matchLabels: {{host: {node}}}}}]}}")
    };
    let nodes = node("one", "host: one") + &node("two", "host: two");
    let apart = pool("a", "10.0.0.0/24") + &bgp("x", &on("one", 1)) + &bgp("z", &on("two", 2));
    assert!(errors(&(apart.clone() + &nodes)).is_empty());
    // Nobody knows which nodes there are: they may be one.
    assert_eq!(errors(&apart).len(), 1);
    let shared = pool("a", "10.0.0.0/24") + &bgp("x", &on("one", 1)) + &bgp("z", "{localPref: 2}") + &nodes;
    assert_eq!(errors(&shared).len(), 1);
    let pools = pool("a", "10.0.0.0/24") + &pool("b", "10.0.1.0/24");
    let by_pool = pools
        + &bgp("x", "{localPref: 1, ipAddressPools: [a]}")
        + &bgp("z", "{localPref: 2, ipAddressPools: [b]}");
    assert!(errors(&by_pool).is_empty());
    let by_service = pool("a", "10.0.0.0/24")
        + &bgp("x", "{localPref: 1}")
        + &bgp("z", "{localPref: 2, serviceSelectors: [{}]}");
    assert!(errors(&by_service).is_empty());
}

#[test]
fn an_alias_comes_before_the_community_that_it_looks_like() {
    let alias = object(
        "Community",
        "v1beta1",
        "c",
        "{communities: [{name: gold, value: '1:2'}, {name: '3:4', value: 'large:5:6:7'}]}",
    );
    let built = build(&(alias + &bgp("ad", "{communities: [gold, '3:4', '9:9']}")));
    let communities: Vec<String> =
        built.model.bgp_advertisements["ad"].communities.iter().map(ToString::to_string).collect();
    assert_eq!(communities, ["1:2", "9:9", "large:5:6:7"]);
}

#[test]
fn an_alias_of_two_objects_stays_with_the_first_by_name() {
    let alias = |object_name: &str, value: &str| {
        object(
            "Community",
            "v1beta1",
            object_name,
            &format!("{{communities: [{{name: gold, value: '{value}'}}]}}"),
        )
    };
    let yaml = alias("b", "1:1") + &alias("a", "2:2") + &bgp("ad", "{communities: [gold]}");
    assert_eq!(errors(&yaml), ["Community b spec.communities[0].name DuplicateCommunity"]);
    let built = build(&yaml);
    assert_eq!(built.model.bgp_advertisements["ad"].communities.first().unwrap().to_string(), "2:2");
}

#[test]
fn pools_are_selected_by_name_and_label_and_all_without_either() {
    let labelled = "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: l, namespace: m, labels: {zone: east}}\nspec: {addresses: [10.0.2.0/24]}\n";
    let pools = pool("a", "10.0.0.0/24") + &pool("b", "10.0.1.0/24") + labelled;
    for (spec, expected) in [
        ("{}", &["a", "b", "l"][..]),
        ("{ipAddressPools: [b]}", &["b"]),
        ("{ipAddressPoolSelectors: [{matchLabels: {zone: east}}]}", &["l"]),
        ("{ipAddressPools: [a], ipAddressPoolSelectors: [{matchLabels: {zone: east}}]}", &["a", "l"]),
        ("{ipAddressPools: [nowhere]}", &[]),
    ] {
        let built = build(&(pools.clone() + &bgp("ad", spec)));
        let selected: Vec<&str> = built.model.bgp_advertisements["ad"].pools.iter().map(|p| &**p).collect();
        assert_eq!(selected, expected, "{spec}");
    }
}
