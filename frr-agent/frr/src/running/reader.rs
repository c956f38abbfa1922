//! Line by line through a configuration, with the blocks that are open.

use super::Foreign;
use crate::config::RouteTarget;
use crate::statement::{Context, Kind, Statements, Subject, read, text};
use crate::value::{Asn, Family};

/// An open block.
enum Open {
    /// One of the model.
    Known(Context),
    /// `bfd`, which only holds profiles.
    Bfd,
    /// Any other.
    Foreign,
}

struct Frame {
    open: Open,
    head: String,
    indent: usize,
}

#[derive(Default)]
pub struct Reader {
    all: Statements<'static>,
    foreign: Vec<Foreign>,
    stack: Vec<Frame>,
    version: Option<(u16, u16)>,
    datacenter: bool,
}

/// What `show running-config` prints around the configuration.
const AROUND: [&str; 2] = ["Building configuration...", "Current configuration:"];

impl Reader {
    pub fn read(mut self, text: &str) -> (Statements<'static>, Vec<Foreign>, Option<(u16, u16)>) {
        for line in text.lines() {
            let trimmed = line.trim();
            if !trimmed.is_empty() && !trimmed.starts_with(['!', '#']) && !AROUND.contains(&trimmed) {
                self.line(trimmed, line.len() - line.trim_start().len());
            }
        }
        self.fill_nht();
        (self.all, self.foreign, self.version)
    }

    fn line(&mut self, line: &str, indent: usize) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["end"] => self.stack.clear(),
            ["exit" | "quit"] => self.leave(None, indent),
            [word] if word.starts_with("exit-") => self.leave(Some(word), indent),
            _ => {
                if !self.known(&words, line, indent) {
                    self.keep(&words, line, indent);
                }
            }
        }
    }

    /// `exit` closes the innermost block; `exit-vni` and its like that of their kind and all in it.
    fn leave(&mut self, word: Option<&str>, indent: usize) {
        let is_foreign = |frame: &Frame| matches!(frame.open, Open::Foreign);
        while self.stack.last().is_some_and(|frame| is_foreign(frame) && frame.indent > indent) {
            self.stack.pop();
        }
        let of_kind = |frame: &Frame| match &frame.open {
            Open::Known(context) => Some(text::frame(context, "").1) == word,
            _ => false,
        };
        let innermost = self.stack.last().is_some_and(is_foreign) || word.is_none();
        if let Some(at) = self.stack.iter().rposition(of_kind).filter(|_| !innermost) {
            self.stack.truncate(at);
        } else {
            self.stack.pop();
        }
    }

    /// As in vtysh, a line that the innermost block does not know is tried on the blocks around it.
    fn known(&mut self, words: &[&str], line: &str, indent: usize) -> bool {
        for depth in (0..=self.stack.len()).rev() {
            let frame = depth.checked_sub(1).map(|at| &self.stack[at]);
            match frame.map(|frame| &frame.open) {
                // What stands deeper than a block that is not ours belongs to that block.
                Some(Open::Foreign) if frame.is_some_and(|frame| indent > frame.indent) => return false,
                Some(Open::Foreign) => {}
                Some(Open::Bfd) => {
                    if let ["profile", name] = words
                        && let Ok(name) = name.parse()
                    {
                        self.stack.truncate(depth);
                        self.open(Context::BfdProfile(name), String::new(), line, indent);
                        return true;
                    }
                }
                Some(Open::Known(context)) => {
                    let context = context.clone();
                    if self.known_in(&context, depth, words, line, indent) {
                        return true;
                    }
                }
                None => return self.known_in(&Context::Top, depth, words, line, indent),
            }
        }
        false
    }

    fn known_in(
        &mut self,
        context: &Context,
        depth: usize,
        words: &[&str],
        line: &str,
        indent: usize,
    ) -> bool {
        if *context == Context::Top && words == ["bfd"] {
            self.stack.clear();
            self.stack.push(Frame { open: Open::Bfd, head: line.to_owned(), indent });
            return true;
        }
        if let Some((inner, head)) = read::opens(context, words) {
            self.stack.truncate(depth);
            self.open(inner, head, line, indent);
            return true;
        }
        let Some(((kind, subject), value)) = read::statement(context, words, self.derived(context).as_ref())
        else {
            return false;
        };
        self.stack.truncate(depth);
        self.all.block(context.clone()).put(kind, subject, value, None);
        true
    }

    fn open(&mut self, context: Context, head: String, line: &str, indent: usize) {
        self.all.block(context.clone()).head = head;
        self.stack.push(Frame { open: Open::Known(context), head: line.to_owned(), indent });
    }

    /// The target that FRR derives for the L2VNI whose block this is.
    fn derived(&self, context: &Context) -> Option<RouteTarget> {
        let Context::Vni(vrf, vni) = context else { return None };
        let router = self.all.blocks.get(&Context::Router(vrf.clone()))?;
        let asn = Asn::try_from(router.head.parse::<i64>().ok()?).ok()?;
        Some(RouteTarget::auto(asn, *vni))
    }

    /// Keeps a line that the model does not know.
    fn keep(&mut self, words: &[&str], line: &str, indent: usize) {
        match words {
            ["frr", "version", number] => self.version = version(number),
            ["frr", "defaults", profile] => self.datacenter = *profile == "datacenter",
            _ => {}
        }
        if indent == 0 {
            self.stack.clear();
        }
        while self
            .stack
            .last()
            .is_some_and(|frame| matches!(frame.open, Open::Foreign) && indent <= frame.indent)
        {
            self.stack.pop();
        }
        let known = self.stack.iter().rev().find_map(|frame| match &frame.open {
            Open::Known(context) => Some(context.clone()),
            _ => None,
        });
        let depth = self.stack.iter().filter(|frame| matches!(frame.open, Open::Foreign)).count();
        self.foreign.push(Foreign {
            within: self.stack.iter().map(|frame| frame.head.clone()).collect(),
            text: line.to_owned(),
            context: known.unwrap_or(Context::Top),
            depth,
        });
        self.stack.push(Frame { open: Open::Foreign, head: line.to_owned(), indent });
    }

    /// `nht resolve-via-default` is not printed where it is the default: since FRR 9.1, but in the
    /// datacenter profile (zebra, `ZEBRA_IP_NHT_RESOLVE_VIA_DEFAULT`).
    fn fill_nht(&mut self) {
        let on = self.version.is_some_and(|version| version > (9, 0)) && !self.datacenter;
        let top = self.all.block(Context::Top);
        for family in [Family::V4, Family::V6] {
            let key = (Kind::Nht, Subject::Family(family));
            if on && !top.lines.contains_key(&key) {
                top.put(key.0, key.1, "on".to_owned(), None);
            }
        }
    }
}

/// `10.3`, `8.4.4`, `10.5-dev`.
fn version(text: &str) -> Option<(u16, u16)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
