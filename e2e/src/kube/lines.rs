//! Watches through a proxy, line by line: late, twice, cut off, or too old.

use ::kube::client::Body;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tower::BoxError;

/// What becomes of one line of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It goes through.
    Pass,
    /// It goes through after this time, and so does whatever comes after it.
    Late(Duration),
    /// It goes through, and then the one before it and it once more, as after a watch that was taken up earlier.
    Again,
    /// The connection ends instead.
    Cut,
    /// The API server says that the watch is too old (410): everything has to be listed again.
    Expired,
}

/// Decides about each line of a watch, whose path with query it is given.
pub type Lines = Box<dyn FnMut(&str) -> Line + Send>;

/// What a proxy answers.
pub type Answer = UnsyncBoxBody<Bytes, BoxError>;

const EXPIRED: &str = concat!(
    r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","#,
    r#""message":"too old resource version","reason":"Expired","code":410}}"#,
    "\n"
);

/// A watch's answer of which `lines` decides.
pub fn spoiled(body: Body, path: String, lines: Arc<Mutex<Lines>>) -> Answer {
    let (tell, told) = mpsc::channel(16);
    tokio::spawn(follow(body, path, lines, tell));
    let next = |mut told: mpsc::Receiver<Result<Bytes, BoxError>>| async move {
        let line = told.recv().await?;
        Some((line.map(Frame::data), told))
    };
    StreamBody::new(stream::unfold(told, next)).boxed_unsync()
}

/// Until either side ends. Nobody waits for what cannot be told any more.
async fn follow(
    mut body: Body,
    path: String,
    lines: Arc<Mutex<Lines>>,
    tell: mpsc::Sender<Result<Bytes, BoxError>>,
) {
    let mut rest = Vec::new();
    let mut before = None;
    loop {
        let frame = tokio::select! {
            () = tell.closed() => return,
            frame = body.frame() => frame,
        };
        match frame {
            None => return,
            Some(Err(why)) => return drop(tell.send(Err(why.into())).await),
            Some(Ok(frame)) => rest.extend(frame.into_data().unwrap_or_default()),
        }
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Bytes = rest.drain(..=end).collect::<Vec<u8>>().into();
            let fate = {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines(&path)
            };
            let told = match fate {
                Line::Cut => return drop(tell.send(Err("cut".into())).await),
                Line::Expired => return drop(tell.send(Ok(EXPIRED.into())).await),
                Line::Again => [Some(line.clone()), before, Some(line.clone())],
                Line::Late(time) => {
                    sleep(time).await;
                    [Some(line.clone()), None, None]
                }
                Line::Pass => [Some(line.clone()), None, None],
            };
            for line in told.into_iter().flatten() {
                if tell.send(Ok(line)).await.is_err() {
                    return;
                }
            }
            before = Some(line);
        }
    }
}
