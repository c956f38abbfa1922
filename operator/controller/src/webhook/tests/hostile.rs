//! Clients that mean ill, or mean something else. Whatever they do, the next one is answered.

use super::client::Client;
use super::*;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const POOLS: &str = "/validate-metallb-io-v1beta1-ipaddresspool";
const JSON: &str = "application/json";

async fn is_well(address: SocketAddr) {
    let (status, answer) = Client::connect(address)
        .await
        .review(POOLS, &review(&pool("well", "192.0.2.0/24"), "CREATE", true))
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
}

#[tokio::test]
async fn garbage_is_refused_and_not_repeated() {
    let (address, _views) = served(view(Vec::new()), small()).await;
    let mut client = Client::connect(address).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let half = review(&pool("p", "192.0.2.0/24"), "CREATE", false).to_string();
    let cases: [(&[u8], u16); 9] = [
        (b"", 400),
        (b"hunter2", 400),
        (b"\xff\xfe\x00", 400),
        (&half.as_bytes()[..half.len() / 2], 400),
        (deep.as_bytes(), 422),
        (b"[]", 422),
        (b"{\"apiVersion\": \"hunter2\", \"kind\": 5}", 422),
        (b"{\"apiVersion\": \"admission.k8s.io/v1\", \"kind\": \"AdmissionReview\"}", 400),
        (b"{\"apiVersion\": \"admission.k8s.io/v1beta1\", \"kind\": \"AdmissionReview\", \"request\": null}", 400),
    ];
    for (body, wanted) in cases {
        for path in [POOLS, "/convert"] {
            let (status, answer) = client.post(path, JSON, body).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
            assert_eq!(status, wanted, "{path} {shown}: {answer}");
            assert!(!answer.contains("hunter2"), "{answer}");
        }
    }
    is_well(address).await;
}

#[tokio::test]
async fn objects_that_are_none_are_answered() {
    let (address, _views) = served(view(Vec::new()), small()).await;
    let mut client = Client::connect(address).await;
    let spec = |spec: Value| {
        let mut object = pool("p", "192.0.2.0/24");
        object["spec"] = spec;
        object
    };
    for object in [
        spec(json!(5)),
        spec(json!([])),
        spec(json!({ "addresses": {} })),
        spec(json!({ "addresses": [[]] })),
    ] {
        let (status, answer) = client.review(POOLS, &review(&object, "CREATE", false)).await;
        assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(false)), "{object}");
    }
    let mut nothing = review(&pool("p", "192.0.2.0/24"), "CREATE", false);
    nothing["request"]["object"] = json!(null);
    let (status, answer) = client.review(POOLS, &nothing).await;
    assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(true)), "nothing is stored by that");
}

#[tokio::test]
async fn wrong_types_methods_and_paths_are_refused() {
    let (address, _views) = served(view(Vec::new()), small()).await;
    let mut client = Client::connect(address).await;
    let body = review(&pool("p", "192.0.2.0/24"), "CREATE", false).to_string();
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/yaml", "nonsense"] {
        assert_eq!(client.post(POOLS, wrong, body.as_bytes()).await.0, 415, "{wrong}");
    }
    assert_eq!(client.post("/validate", JSON, body.as_bytes()).await.0, 404);
    client.send(format!("GET {POOLS} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(client.answer().await.unwrap().0, 405);
    client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap(), (200, r#"{"status":"ok"}"#.to_owned()));
    assert_eq!(client.post("/healthz", JSON, b"{}").await.0, 405);
    is_well(address).await;
}

#[tokio::test]
async fn huge_bodies_are_refused_before_they_are_read() {
    let (address, _views) = served(view(Vec::new()), small()).await;
    let large = vec![b' '; 32 << 20];
    let (status, _) = Client::connect(address).await.post(POOLS, JSON, &large).await;
    assert_eq!(status, 413);
    // An object as large as the API server takes, with the one that it replaces.
    let mut object = pool("large", "192.0.2.0/24");
    object["metadata"]["annotations"] = json!({ "a": "x".repeat(3 << 20) });
    let mut asked = review(&object, "UPDATE", true);
    asked["request"]["oldObject"] = pool("large", "192.0.2.0/25");
    asked["request"]["oldObject"]["metadata"]["annotations"] = json!({ "a": "x".repeat(3 << 20) });
    let (status, answer) = Client::connect(address).await.review(POOLS, &asked).await;
    assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(true)));
    is_well(address).await;
}

#[tokio::test]
async fn slow_clients_hold_up_nobody() {
    let (address, _views) = served(view(Vec::new()), small()).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut client = Client::connect(address).await;
        let head = format!(
            "POST {POOLS} HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\ncontent-length: 1000\r\n\r\n{{"
        );
        client.send(head.as_bytes()).await.unwrap();
        slow.push(client);
    }
    is_well(address).await;
    for mut client in slow {
        let ended = tokio::time::timeout(Duration::from_secs(20), client.answer()).await.expect("an end");
        assert!(ended.is_none_or(|(status, _)| status == 408));
    }
}

#[tokio::test]
async fn nobody_is_judged_by_what_is_not_known() {
    let (address, views) = served(View::default(), small()).await;
    let asked = review(&pool("new", "192.0.2.0/28"), "CREATE", false);
    let waiting = tokio::spawn({
        let asked = asked.clone();
        async move { Client::connect(address).await.review(POOLS, &asked).await }
    });
    sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    views.send_replace(view(vec![(Kind::IpAddressPool, pool("there", "192.0.2.0/24"))]));
    let (status, answer) = waiting.await.unwrap();
    assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(false)));
    // Longer than the server waits with an answer.
    let (address, _views) = served(View::default(), small()).await;
    let (status, _) = Client::connect(address).await.review(POOLS, &asked).await;
    assert!([408, 503].contains(&status), "{status}");
}

// The profile's last user is gone, and the view does not know it yet.
#[tokio::test]
async fn what_has_just_gone_refuses_nobody() {
    let there = view(vec![(Kind::IpAddressPool, pool("there", "192.0.2.0/24"))]);
    let (shown, known) = tokio::sync::oneshot::channel::<()>();
    let (address, views) = served_once(there, small(), async { drop(known.await) }).await;
    let began = Instant::now();
    let asked = tokio::spawn(async move {
        Client::connect(address)
            .await
            .review(POOLS, &review(&pool("new", "192.0.2.0/28"), "CREATE", false))
            .await
    });
    sleep(Duration::from_millis(50)).await;
    views.send_replace(view(Vec::new()));
    shown.send(()).unwrap();
    let (_, answer) = asked.await.unwrap();
    assert_eq!(answer["response"]["allowed"], true, "after {:?}: {answer}", began.elapsed());
}
