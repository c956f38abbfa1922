use super::*;
use crate::certificates::Certificates;
use crate::tls::Flags;
use axum::body::Bytes;
use axum::routing::{get, post};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version};

const SHORT: Limits = Limits {
    connections: 2,
    hello: Duration::from_millis(300),
    idle: Duration::from_secs(20),
    request: Duration::from_millis(500),
    body: 1000,
    drain: Duration::from_secs(5),
};

struct Server {
    address: SocketAddr,
    certificates: Arc<Certificates>,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(flags: &Flags, http2: bool, limits: Limits) -> Self {
        let certificates = Certificates::self_signed(&["localhost".to_owned()]).unwrap();
        let tls = flags.settings().unwrap().server(Arc::clone(&certificates), http2).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "hello\n" }))
            .route("/slow", get(|| async { sleep(Duration::from_millis(200)).await }))
            .route("/length", post(|body: Bytes| async move { body.len().to_string() }));
        let (end, ended) = oneshot::channel();
        let until = async { drop(ended.await) };
        let task = tokio::spawn(serve(listener, router, tls, limits, until));
        Self { address, certificates, end: Some(end), task }
    }

    async fn connect(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.certificates.shown().unwrap())).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect(&[&version::TLS13], "http/1.1").await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // A server that closes without a farewell has still said what it said.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }
}

const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

fn post_of(length: usize, sent: usize) -> String {
    let head = "POST /length HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length:";
    format!("{head} {length}\r\n\r\n{}", "x".repeat(sent))
}

#[tokio::test]
async fn tls_13_is_all_there_is_unless_12_is_allowed() {
    let server = Server::start(&Flags::default(), false, SHORT).await;
    let answer = server.ask(GET).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello\n"), "{answer}");
    assert!(server.connect(&[&version::TLS12], "http/1.1").await.is_err());

    let flags = Flags { tls_min_version: "VersionTLS12".to_owned(), ..Flags::default() };
    let server = Server::start(&flags, false, SHORT).await;
    let stream = server.connect(&[&version::TLS12], "http/1.1").await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}

#[tokio::test]
async fn suites_and_groups_are_those_of_the_flags() {
    let flags = Flags {
        tls_min_version: "VersionTLS12".to_owned(),
        tls_cipher_suites: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384".to_owned(),
        tls_curve_preferences: "24".to_owned(),
    };
    let server = Server::start(&flags, false, SHORT).await;
    let stream = server.connect(&[&version::TLS12], "http/1.1").await.unwrap();
    let suite = stream.get_ref().1.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite.as_str(), Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(format!("{group:?}"), "secp384r1");
}

#[tokio::test]
async fn http2_is_a_switch() {
    let server = Server::start(&Flags::default(), true, SHORT).await;
    let stream = server.connect(&[&version::TLS13], "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let server = Server::start(&Flags::default(), false, SHORT).await;
    assert!(server.connect(&[&version::TLS13], "h2").await.is_err(), "no protocol in common");
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_the_next_client() {
    let server = Server::start(&Flags::default(), false, SHORT).await;
    let before = server.certificates.shown();
    let key = rcgen::KeyPair::generate().unwrap();
    let made =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    server.certificates.replace(made.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    assert_ne!(server.certificates.shown(), before);
    // It trusts the new one only.
    assert!(server.ask(GET).await.ends_with("hello\n"));
}

#[tokio::test]
async fn bodies_that_are_too_long_or_never_end_are_refused() {
    let server = Server::start(&Flags::default(), false, SHORT).await;
    assert!(server.ask(&post_of(1000, 1000)).await.ends_with("1000"));
    let answer = server.ask(&post_of(1001, 1001)).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = server.ask(&post_of(1000, 10)).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn clients_that_say_nothing_make_room_for_others() {
    let server = Server::start(&Flags::default(), false, SHORT).await;
    // One never starts the handshake, one never asks: both places are taken.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let _idle = server.connect(&[&version::TLS13], "http/1.1").await.unwrap();
    let answer = timeout(Duration::from_secs(10), server.ask(GET)).await.unwrap();
    assert!(answer.ends_with("hello\n"), "{answer}");
}

#[tokio::test]
async fn garbage_is_refused() {
    let server = Server::start(&Flags::default(), false, SHORT).await;
    let answer = server.ask("\0\x01\x02 garbage\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "an answer without TLS");
}

#[tokio::test]
async fn an_ending_server_answers_what_was_asked() {
    let mut server = Server::start(&Flags::default(), false, SHORT).await;
    let mut stream = server.connect(&[&version::TLS13], "http/1.1").await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(server.end.take());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    timeout(Duration::from_secs(5), &mut server.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "it still listens");
}
