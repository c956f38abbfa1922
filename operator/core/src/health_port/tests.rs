//! Who waits, for how long, and who never does.

use super::*;
use crate::input::{Options, SourceText, parse};
use proptest::prelude::*;

/// What the objects of two Services say.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Shop {
    local: bool,
    addressed: bool,
    /// Whether an endpoint is ready on n1, and one on n2.
    here: bool,
    there: bool,
}

const LOCAL: Shop = Shop { local: true, addressed: true, here: false, there: true };
const GAINED: Shop = Shop { here: true, ..LOCAL };

fn snapshot(shop: Shop) -> Snapshot {
    let policy = if shop.local { "Local" } else { "Cluster" };
    let ingress = if shop.addressed { "[{ip: 10.0.0.1}]" } else { "[]" };
    let text = format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{type: LoadBalancer, externalTrafficPolicy: {policy}, healthCheckNodePort: 30100, ports: [{{port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: {ingress}}}}}\n\
         ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
         metadata: {{name: web-1, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}\n\
         endpoints:\n\
         - {{addresses: [10.1.0.1], nodeName: n1, conditions: {{ready: {}, serving: true}}}}\n\
         - {{addresses: [10.1.0.2], nodeName: n2, conditions: {{ready: {}}}}}\n",
        shop.here, shop.there
    );
    parse(&[SourceText { file: "all.yaml".into(), text: text.into() }], &Options::default()).snapshot
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn asked(outputs: &[Output]) -> Option<Question> {
    outputs.iter().find_map(|output| match output {
        Output::Ask(question) => Some(question.clone()),
        Output::Announce(..) => None,
    })
}

fn announced(outputs: &[Output]) -> Option<Answer> {
    outputs.iter().find_map(|output| match output {
        Output::Announce(_, answer) => Some(*answer),
        Output::Ask(_) => None,
    })
}

/// A node without the endpoint, then with it, at `ms(0)`.
fn gained() -> (HealthPorts, Question) {
    let mut ports = HealthPorts::new("n1");
    assert_eq!(ports.follow(ms(0), &snapshot(LOCAL), |_| false), []);
    let outputs = ports.follow(ms(0), &snapshot(GAINED), |_| false);
    let question = asked(&outputs).unwrap();
    assert_eq!((question.port, ports.waiting().len()), (30_100, 1));
    (ports, question)
}

/// Answers each question at once, until the Service is announced: the time and the last answer.
fn until_announced(answer: impl Fn(Duration) -> Option<Answer>) -> (Duration, Answer) {
    let (mut ports, mut question) = gained();
    let mut now = ms(0);
    loop {
        let mut outputs = match answer(now) {
            Some(answer) => ports.answered(now, &question, answer),
            None => Vec::new(),
        };
        if outputs.is_empty() {
            now = ports.wake_at().unwrap();
            outputs = ports.due(now);
        }
        if let Some(answer) = announced(&outputs) {
            assert!(ports.waiting().is_empty());
            assert_eq!(ports.wake_at(), None);
            return (now, answer);
        }
        question = asked(&outputs).unwrap_or(question);
    }
}

#[test]
fn it_waits_for_kube_proxy_and_no_longer() {
    let when = |at| move |now| Some(if now >= ms(at) { Answer::Serves } else { Answer::NotYet });
    assert_eq!(until_announced(when(0)), (ms(0), Answer::Serves));
    assert_eq!(until_announced(when(300)), (ms(300), Answer::Serves));
    assert_eq!(until_announced(|_| Some(Answer::NotYet)), (PATIENCE, Answer::NotYet));
    assert_eq!(until_announced(|_| None), (PATIENCE, Answer::Silent));
}

#[test]
fn a_port_that_stays_closed_is_waited_for_only_briefly() {
    assert_eq!(until_announced(|_| Some(Answer::Refused)), (REFUSED, Answer::Refused));
    let opens = |now| Some(if now >= ms(400) { Answer::NotYet } else { Answer::Refused });
    assert_eq!(until_announced(opens), (PATIENCE, Answer::NotYet));
}

#[test]
fn only_what_is_not_announced_and_is_of_policy_local_waits() {
    let waits = |before: Shop, after: Shop, is_announced: bool| {
        let mut ports = HealthPorts::new("n1");
        ports.follow(ms(0), &snapshot(before), |_| is_announced);
        ports.follow(ms(0), &snapshot(after), |_| is_announced);
        !ports.waiting().is_empty()
    };
    let cluster = Shop { local: false, ..GAINED };
    assert!(waits(LOCAL, GAINED, false));
    assert!(waits(Shop { addressed: false, ..GAINED }, GAINED, false), "an address comes like an endpoint");
    assert!(!waits(LOCAL, GAINED, true), "another Service's aggregate, or the agent was restarted");
    assert!(!waits(cluster, GAINED, true), "the policy changes while it is announced");
    assert!(!waits(LOCAL, cluster, false));
    assert!(!waits(LOCAL, LOCAL, false));
    assert!(!waits(GAINED, LOCAL, false), "it was waiting, and the endpoint went");
}

#[test]
fn who_was_let_through_is_not_asked_again_until_the_endpoint_goes() {
    let (mut ports, question) = gained();
    assert_eq!(announced(&ports.answered(ms(1), &question, Answer::Serves)), Some(Answer::Serves));
    assert_eq!(ports.answered(ms(2), &question, Answer::Refused), []);
    assert_eq!(ports.follow(ms(3), &snapshot(Shop { there: false, ..GAINED }), |_| false), []);
    assert_eq!(ports.follow(ms(4), &snapshot(LOCAL), |_| false), []);
    let again = asked(&ports.follow(ms(5), &snapshot(GAINED), |_| false)).unwrap();
    assert_eq!(ports.answered(ms(6), &question, Answer::Serves), [], "an answer to the old question");
    assert_eq!(announced(&ports.answered(ms(6), &again, Answer::Serves)), Some(Answer::Serves));
}

fn answer() -> impl Strategy<Value = Option<Answer>> {
    let all = [Some(Answer::Serves), Some(Answer::NotYet), Some(Answer::Refused), Some(Answer::Silent), None];
    prop::sample::select(all.to_vec())
}

proptest! {
    /// Whatever comes: nobody waits for longer than that, and the machine always wakes up while somebody waits.
    #[test]
    fn nobody_waits_for_ever(
        steps in prop::collection::vec((0_u64..400, any::<bool>(), any::<bool>(), answer()), 1..40),
    ) {
        let mut ports = HealthPorts::new("n1");
        let (mut now, mut question, mut since) = (ms(0), None, None);
        for (pass, here, is_announced, answer) in steps {
            now += ms(pass);
            let mut outputs = ports.due(now);
            if let (Some(question), Some(answer)) = (&question, answer) {
                outputs.extend(ports.answered(now, question, answer));
            }
            outputs.extend(ports.follow(now, &snapshot(Shop { here, ..LOCAL }), |_| is_announced));
            question = asked(&outputs).or(question);
            let waits = !ports.waiting().is_empty();
            prop_assert!(!waits || here);
            if !waits || announced(&outputs).is_some() {
                since = None;
            }
            if waits {
                let since = *since.get_or_insert(now);
                prop_assert!(now < since + PATIENCE);
                prop_assert!(ports.wake_at().is_some_and(|at| at <= since + PATIENCE));
            }
        }
    }
}
