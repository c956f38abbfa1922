//! A small HTTP server in a namespace: what stands behind a Service.

use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::Process;
use crate::wait::wait_for;
use anyhow::Result;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

/// Serves the folder argv[3] on argv[1]:argv[2]. Not `python3 -m http.server`: that one asks DNS for its own name
/// before it listens, and in a namespace with a default route nobody ever answers.
const SERVE: &str = "
import functools, http.server, socketserver, sys
socketserver.ThreadingTCPServer.allow_reuse_address = True
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[3])
socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[2])), handler).serve_forever()
";

/// Python's own server, serving one page.
#[derive(Debug)]
pub struct HttpServer {
    process: Process,
}

impl HttpServer {
    /// Serves `page` as `/` on `address`, and waits until it answers.
    pub fn start(lab: &Lab, namespace: &Namespace, address: SocketAddr, page: &str) -> Result<Self> {
        let folder = lab.folder(&format!("http-{}-{}/page", namespace.label(), address.port()))?;
        fs::write(folder.join("index.html"), page)?;
        let mut command = namespace.command("python3");
        command.args(["-c", SERVE, &address.ip().to_string(), &address.port().to_string()]).arg(&folder);
        let mut process = Process::spawn("http.server", command, &folder.with_file_name("log"))?;
        wait_for("the HTTP server answers", Duration::from_secs(10), || {
            process.check_running()?;
            namespace.run("curl", &["-fsS", "--max-time", "2", &format!("http://{address}/")])
        })?;
        Ok(Self { process })
    }

    /// Ends it.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop()
    }
}
