//! Whatever the edits: following them says what reading everything says.

use super::*;
use proptest::prelude::*;

type Files = BTreeMap<String, Vec<String>>;

fn of<T: Clone + std::fmt::Debug + 'static>(choices: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(choices.to_vec())
}

fn document() -> impl Strategy<Value = String> {
    let service =
        (of(&["a", "b", "c", "d"]), of(&["default", "''", "ns"]), of(&["10.0.0.1", "10.0.0.2", ""]))
            .prop_map(|(name, namespace, ip)| {
                let ingress = if ip.is_empty() { String::new() } else { format!("{{ip: {ip}}}") };
                format!(
                    "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
                 spec: {{type: LoadBalancer}}\nstatus: {{loadBalancer: {{ingress: [{ingress}]}}}}\n"
                )
            });
    let slice = (of(&["s", "t", "u", "v"]), of(&["a", "b"])).prop_map(|(name, service)| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
             metadata: {{name: {name}, namespace: ns, labels: {{kubernetes.io/service-name: {service}}}}}\n\
             endpoints: [{{addresses: [10.1.0.1]}}]\n"
        )
    });
    let other = of(&[
        "# a comment\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
        "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p, namespace: m}\nspec: {addresses: [10.0.0.0/24]}\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: ns}\nspec: {type: Loadbalancer}\n",
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: c, namespace: ns}}\n",
        "kind: [unclosed\n",
        "...\n",
        "# \u{FFFD}\n",
        "kind: \"unclosed\n",
        "%YAML 1.2\n",
        "a: |\n  text\n  ---\n",
    ])
    .prop_map(str::to_owned);
    prop_oneof![10 => service, 5 => slice, 1 => other]
}

/// What happens to a file: a document of it is replaced or appended (`Some`), or removed.
fn edit() -> impl Strategy<Value = (&'static str, usize, Option<String>)> {
    let file = of(&["a.yaml", "b.yaml", "c/allocations.yaml", "d.yaml"]);
    (file, 0..5_usize, prop::option::weighted(0.75, document()))
}

fn text(documents: &[String]) -> String {
    documents
        .iter()
        .enumerate()
        .map(|(at, one)| if at == 0 { one.clone() } else { format!("---\n{one}") })
        .collect()
}

fn told(parsed: &Parsed) -> (Snapshot, Vec<String>) {
    (parsed.snapshot.clone(), parsed.problems.iter().map(|problem| format!("{problem:?}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn following_edits_says_what_reading_everything_says(
        steps in prop::collection::vec(prop::collection::vec(edit(), 1..3), 1..30),
    ) {
        let mut folder = Folder::new(&Options::default());
        let mut files = Files::new();
        for edits in steps {
            let mut touched: Vec<Arc<str>> = Vec::new();
            for (file, at, document) in edits {
                let documents = files.entry(file.to_owned()).or_default();
                match document {
                    Some(document) if at < documents.len() => documents[at] = document,
                    Some(document) => documents.push(document),
                    None if at < documents.len() => drop(documents.remove(at)),
                    None => {}
                }
                touched.push(file.into());
            }
            files.retain(|_, documents| !documents.is_empty());
            touched.sort();
            touched.dedup();
            let texts = || -> Vec<SourceText> {
                let source = |(file, documents): (&String, &Vec<String>)| SourceText {
                    file: file.as_str().into(),
                    text: text(documents).into(),
                };
                files.iter().map(source).collect()
            };
            let now: Vec<(Arc<str>, Option<String>)> =
                touched.into_iter().map(|file| (file.clone(), files.get(&*file).map(|it| text(it)))).collect();
            let borrowed: Vec<_> = now.iter().map(|(file, text)| (file.clone(), text.as_deref())).collect();
            let followed = folder.change(&borrowed).unwrap_or_else(|| folder.read(texts()));
            let whole = plan::read(texts(), &Options::default());
            prop_assert_eq!(told(&followed), told(&whole));
        }
    }
}

#[test]
fn a_changed_service_among_many_is_followed_alone() {
    let service = |number: u32, ip: u32| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{number}, namespace: ns}}\n\
             spec: {{type: LoadBalancer}}\nstatus: {{loadBalancer: {{ingress: [{{ip: 10.0.0.{ip}}}]}}}}\n"
        )
    };
    let all =
        |changed: u32| (0..50).map(|n| service(n, if n == 20 { changed } else { n })).collect::<String>();
    let file: Arc<str> = "services.yaml".into();
    let mut folder = Folder::new(&Options::default());
    let before = folder.read(vec![SourceText { file: file.clone(), text: all(20).into() }]).snapshot;
    let after = folder.change(&[(file, Some(&all(77)))]).unwrap().snapshot;
    let changes = before.services.changes(&after.services);
    let names: Vec<&str> = changes.iter().map(|change| &*change.key.name).collect();
    assert_eq!(names, ["s20"]);
    assert!(Arc::ptr_eq(&before.configuration, &after.configuration));
}

#[test]
fn an_edit_of_the_configuration_has_everything_read_again() {
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p, namespace: m}\n\
                spec: {addresses: [10.0.0.0/24]}\n";
    let file: Arc<str> = "a.yaml".into();
    let mut folder = Folder::new(&Options::default());
    folder.read(vec![SourceText { file: file.clone(), text: pool.into() }]);
    assert!(folder.change(&[("b.yaml".into(), Some("# nothing\n"))]).is_some());
    assert!(folder.change(&[(file, Some(&pool.replace("/24", "/25")))]).is_none());
}
