//! Logs: one JSON object on each line of standard output, with MetalLB's keys: `caller`, `level`, `msg`, `ts`.

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::fmt::{Debug, Write as _};
use std::io::{self, Write};
use std::sync::OnceLock;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// `--log-level`: what is told, and all that is graver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Everything.
    All,
    /// Also what matters only while looking for a fault.
    Debug,
    /// What happened.
    #[default]
    Info,
    /// What is not as it should be.
    Warn,
    /// What failed.
    Error,
    /// Nothing.
    None,
}

impl LogLevel {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::All | Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::None => LevelFilter::OFF,
        }
    }

    /// Ours at the level asked for. Libraries only from warnings on, and kube's client not at all: it tells whole answers that
    /// it cannot read, which may be Secrets; its errors are returned, and told by us.
    fn targets(self) -> Targets {
        let ours = self.filter();
        Targets::new()
            .with_default(ours.min(LevelFilter::WARN))
            .with_target("herald", ours)
            .with_target("kube_client", LevelFilter::OFF)
            .with_target("hyper", ours.min(LevelFilter::ERROR))
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// The level of the command line, and that which counts now, once logging has started.
static LEVEL: OnceLock<(LogLevel, Handle<Targets, Registry>)> = OnceLock::new();

/// Starts logging as JSON for the whole program. A second call does nothing.
pub fn init(level: LogLevel) {
    init_as(level, LogFormat::Json);
}

/// The same in any format.
pub fn init_as(level: LogLevel, format: LogFormat) {
    let registry = tracing_subscriber::registry();
    let (filter, handle) = reload::Layer::new(level.targets());
    let begun = match format {
        LogFormat::Json => registry.with(Json(io::stdout).with_filter(filter)).try_init(),
        LogFormat::Text => {
            let text = tracing_subscriber::fmt::layer().with_target(false);
            registry.with(text.with_filter(filter)).try_init()
        }
    };
    // Only a second call fails.
    if begun.is_ok() {
        let _ = LEVEL.set((level, handle));
    }
}

/// Logs from now on as `instead` says, in the words of `--log-level` (an FRRK8sConfiguration, of which the API server takes no
/// other), and without it as the command line does.
pub fn follow(instead: Option<&str>) {
    let Some((started, handle)) = LEVEL.get() else { return };
    let level = instead.and_then(|word| LogLevel::from_str(word, true).ok()).unwrap_or(*started);
    // Both fail only where logging has ended.
    if handle.with_current(|now| *now != level.targets()).unwrap_or(false) {
        let _ = handle.reload(level.targets());
    }
}

/// Writes each event as a line.
struct Json<W>(W);

impl<S, W, O> Layer<S> for Json<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: Fn() -> O + 'static,
    O: Write,
{
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut line = fields.line(event).to_string();
        line.push('\n');
        // A log that nobody can read must not end the program.
        let _ = self.0().write_all(line.as_bytes());
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn line(self, event: &Event<'_>) -> Value {
        let mut line = self.0;
        let data = event.metadata();
        let level = match *data.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG | Level::TRACE => "debug",
        };
        line.insert("level".to_owned(), level.into());
        line.insert("ts".to_owned(), format!("{:.3}", Timestamp::now()).into());
        let file = data.file().and_then(|file| file.rsplit('/').next()).unwrap_or_default();
        line.insert("caller".to_owned(), format!("{file}:{}", data.line().unwrap_or_default()).into());
        Value::Object(line)
    }

    fn insert(&mut self, field: &Field, value: Value) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = write!(text, "{value:?}");
        self.insert(field, text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(level: LogLevel, tell: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let into = written.clone();
        let layer = Json(move || into.clone()).with_filter(level.targets());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), tell);
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn tell_all() {
        tracing::error!(target: "herald_controller", "one");
        tracing::warn!(target: "herald_controller", "two");
        tracing::info!(target: "herald_controller", "three");
        tracing::debug!(target: "herald_controller", "four");
        tracing::warn!(target: "kube_client::client", "{{\"kind\": \"Secret\"}}, expected value");
        tracing::info!(target: "rustls", "handshake");
        tracing::warn!(target: "kube_runtime", "five");
    }

    #[test]
    fn a_line_has_upstreams_keys() {
        let lines = written(LogLevel::Info, || {
            let error = "line one\nline two";
            tracing::info!(target: "herald_controller", event = "Allocated", error, count = 3, ok = true, "done \"well\"");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["level"], "info");
        assert_eq!(line["msg"], "done \"well\"");
        assert_eq!(line["event"], "Allocated");
        assert_eq!(line["error"], "line one\nline two");
        assert_eq!((&line["count"], &line["ok"]), (&Value::from(3), &Value::from(true)));
        assert!(line["ts"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{line}");
        assert!(line["caller"].as_str().unwrap().starts_with("logs.rs:"), "{line}");
    }

    #[test]
    fn levels_are_upstreams_and_a_library_never_tells_an_answer() {
        let count = |level| written(level, tell_all).len();
        assert_eq!(count(LogLevel::None), 0);
        assert_eq!(count(LogLevel::Error), 1);
        assert_eq!(count(LogLevel::Warn), 3);
        assert_eq!(count(LogLevel::Info), 4);
        assert_eq!((count(LogLevel::Debug), count(LogLevel::All)), (5, 5));
    }
}
