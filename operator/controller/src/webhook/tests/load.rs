//! Many requests at once: not one without an answer.

use super::client::Client;
use super::*;
use std::time::Instant;

const CLIENTS: usize = 8;
const REQUESTS: usize = 500;

/// 20 pools, peers and advertisements, which is more than most clusters have.
fn configuration() -> Vec<(Kind, Value)> {
    let object = |kind: &str, version: &str, name: String, spec: Value| {
        let metadata = json!({ "name": name, "namespace": "metallb-system" });
        json!({ "apiVersion": format!("metallb.io/{version}"), "kind": kind, "metadata": metadata, "spec": spec })
    };
    let of = |i: usize| {
        let peer = json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": format!("198.51.100.{i}") });
        let adv = json!({ "ipAddressPools": [format!("pool-{i}")], "aggregationLength": 28 });
        [
            (Kind::IpAddressPool, pool(&format!("pool-{i}"), &format!("10.0.{i}.0/24"))),
            (Kind::BgpPeer, object("BGPPeer", "v1beta2", format!("peer-{i}"), peer)),
            (Kind::BgpAdvertisement, object("BGPAdvertisement", "v1beta1", format!("adv-{i}"), adv)),
        ]
    };
    (1..=20).flat_map(of).collect()
}

/// A request of each kind in turn, most of them to be admitted. None is refused because of others: that answer waits for what they store next.
fn question(number: usize) -> (&'static str, Value, bool) {
    let octet = number % 200;
    match number % 4 {
        0 => {
            let asked = pool(&format!("new-{number}"), &format!("10.1.{octet}.0/24"));
            ("/validate-metallb-io-v1beta1-ipaddresspool", review(&asked, "CREATE", true), true)
        }
        1 => {
            let asked = pool(&format!("new-{number}"), "10.0.7.400/28");
            ("/validate-metallb-io-v1beta1-ipaddresspool", review(&asked, "CREATE", true), false)
        }
        _ => {
            let spec =
                json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": format!("203.0.113.{octet}") });
            let metadata = json!({ "name": format!("new-{number}"), "namespace": "metallb-system" });
            let asked = json!({ "apiVersion": "metallb.io/v1beta2", "kind": "BGPPeer", "metadata": metadata, "spec": spec });
            ("/validate-metallb-io-v1beta2-bgppeer", review(&asked, "CREATE", true), true)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_one_of_thousands_of_requests_is_answered() {
    let (address, _views) = served(view(configuration()), limits()).await;
    let began = Instant::now();
    let clients = (0..CLIENTS).map(|client| {
        tokio::spawn(async move {
            let mut connection = Client::connect(address).await;
            for number in 0..REQUESTS {
                let (path, asked, admitted) = question(client * REQUESTS + number);
                let (status, answer) = connection.review(path, &asked).await;
                assert_eq!(status, 200);
                assert_eq!(answer["response"]["uid"], asked["request"]["uid"]);
                assert_eq!(answer["response"]["allowed"], admitted, "{asked} {answer}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let (count, took) = (CLIENTS * REQUESTS, began.elapsed());
    let rate = f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64();
    println!("{count} admissions in {took:?}, {rate:.0} a second, {CLIENTS} connections, without an error");
}
