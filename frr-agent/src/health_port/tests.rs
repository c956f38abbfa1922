//! Against real sockets on loopback.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// Answers one request after the other with this; `None` never does.
fn serve(answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let Some(answer) = answer else {
                silent.push(stream);
                continue;
            };
            let mut request = [0; 256];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

async fn answer(port: u16, node: &[IpAddr]) -> Answer {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let question = Question { service: herald_core::snapshot::ServiceKey::default(), port, id: 7 };
    Asker::new(sender).ask(question.clone(), node);
    let (asked, answer) = answers.recv().await.unwrap();
    assert_eq!(asked, question);
    answer
}

#[tokio::test]
async fn only_200_says_that_it_serves() {
    assert_eq!(answer(serve(Some("HTTP/1.1 200 OK\r\n\r\n{}")), &[]).await, Answer::Serves);
    assert_eq!(answer(serve(Some("HTTP/1.1 503 Service Unavailable\r\n\r\n")), &[]).await, Answer::NotYet);
    assert_eq!(answer(serve(Some("SSH-2.0-OpenSSH_9.2\r\n")), &[]).await, Answer::NotYet);
    assert_eq!(answer(serve(Some("HTTP")), &[]).await, Answer::Silent);
    assert_eq!(answer(serve(None), &[]).await, Answer::Silent);
}

#[tokio::test]
async fn a_closed_port_is_refused_and_other_hosts_are_not_asked() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let elsewhere = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    assert_eq!(answer(closed, &elsewhere).await, Answer::Refused);
    let own = ["127.0.0.2".parse().unwrap()];
    assert_eq!(answer(serve(Some("HTTP/1.1 200 OK\r\n\r\n")), &own).await, Answer::Serves);
}
