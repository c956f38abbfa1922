//! From steps to lines: each block is opened before its lines and closed after them.

use super::ops::Op;
use super::{Effect, PlannedLine};
use crate::config::{AddressFamily, Origins};
use crate::statement::{Context, text};

/// A block that is open: the line that opened it, and the one that closes it.
struct Open {
    head: String,
    tail: &'static str,
}

#[derive(Default)]
struct Script {
    lines: Vec<PlannedLine>,
    open: Vec<Open>,
}

/// The lines of the steps, with the indentation of FRR.
pub fn build(ops: Vec<Op>) -> Vec<PlannedLine> {
    let mut script = Script::default();
    for op in ops {
        script.enter(&op);
        if let Some(line) = op.line {
            for line in line.lines() {
                script.push(line, op.origins.clone(), op.effect, false);
            }
        }
    }
    script.close(0);
    script.lines
}

impl Script {
    fn push(&mut self, line: &str, origins: Origins, effect: Effect, frame: bool) {
        let text = format!("{:1$}{line}", "", self.open.len());
        self.lines.push(PlannedLine { text, origins, effect, frame });
    }

    /// Closes what is not around the step, and opens what is.
    fn enter(&mut self, op: &Op) {
        let path = path(&op.context, &op.head);
        let common = self.open.iter().zip(&path).take_while(|(open, (head, _))| open.head == *head).count();
        self.close(common);
        for (at, (head, tail)) in path.iter().enumerate().skip(common) {
            // A step without a line is its block's first line.
            let itself = op.line.is_none() && at + 1 == path.len();
            let effect = if itself { op.effect } else { Effect::None };
            self.push(head, op.origins.clone(), effect, !itself);
            self.open.push(Open { head: head.clone(), tail });
        }
    }

    fn close(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(Open { tail, .. }) = self.open.pop() {
                self.push(tail, Origins::new(), Effect::None, true);
            }
        }
    }
}

/// The first and last lines of the blocks around a statement, outermost first.
fn path(context: &Context, head: &str) -> Vec<(String, &'static str)> {
    let router = |vrf| text::frame(&Context::Router(Clone::clone(vrf)), head);
    match context {
        Context::Top => Vec::new(),
        Context::Vrf(_) | Context::RouteMap(..) | Context::Router(_) => vec![text::frame(context, head)],
        Context::Family(vrf, _) => vec![router(vrf), text::frame(context, head)],
        Context::Vni(vrf, _) => {
            let evpn = Context::Family(vrf.clone(), AddressFamily::L2vpnEvpn);
            vec![router(vrf), text::frame(&evpn, head), text::frame(context, head)]
        }
        Context::BfdProfile(_) => vec![("bfd".to_owned(), "exit"), text::frame(context, head)],
    }
}
