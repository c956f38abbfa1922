//! What FRR makes of a statement: values that it rewrites, leaves out or does not take.
//!
//! Both sides of a comparison go through this, or the difference would never become empty.

use super::{Block, Context, Kind, Statements, Subject, text};

/// Brings statements into the form in which FRR keeps them. All of this was seen on FRR 10.3.
pub fn fit(all: &mut Statements<'_>) {
    for (context, block) in &mut all.blocks {
        match context {
            Context::BfdProfile(_) => {
                block.lines.retain(|(kind, _), value| text::bfd_default(*kind) != Some(value.as_str()));
            }
            Context::Router(_) => fit_sessions(block),
            Context::Vni(..) => {
                drop_derived(block, Kind::ImportTarget);
                drop_derived(block, Kind::ExportTarget);
            }
            _ => {}
        }
    }
    all.blocks.retain(|context, block| !matches!(context, Context::Vni(..)) || !block.lines.is_empty());
}

fn fit_sessions(block: &mut Block<'_>) {
    let mut dropped = Vec::new();
    for ((kind, subject), value) in &mut block.lines {
        let Subject::Neighbor(id) = subject else { continue };
        let dropped_with = match kind {
            // Not kept for an unnumbered session, or refused.
            Kind::RemoteAs if id.is_interface() => {
                [Some(Kind::Multihop), Some(Kind::UpdateSource), Some(Kind::DisableConnectedCheck)]
            }
            // Without effect inside an AS, where FRR does not keep it.
            Kind::RemoteAs if value.text == "internal" || value.text == block.head => {
                [Some(Kind::Multihop), None, None]
            }
            Kind::Port if value.text == "179" => [Some(Kind::Port), None, None],
            Kind::Timers => {
                value.text = lowered_keepalive(&value.text).into();
                continue;
            }
            _ => continue,
        };
        dropped.extend(dropped_with.into_iter().flatten().map(|kind| (kind, subject.clone())));
    }
    for key in dropped {
        block.lines.remove(&key);
    }
}

/// FRR lowers the keepalive to a third of the hold time.
fn lowered_keepalive(timers: &str) -> String {
    let parsed = timers.split_once(' ').and_then(|(k, h)| Some((k.parse().ok()?, h.parse().ok()?)));
    let Some((keepalive, hold)): Option<(u16, u16)> = parsed else { return timers.to_owned() };
    format!("{} {hold}", keepalive.min(hold / 3))
}

/// A sole target that equals the one FRR derives is not kept.
fn drop_derived(block: &mut Block<'_>, kind: Kind) {
    let mut of_kind = block.lines.keys().filter(|(k, _)| *k == kind);
    if let (Some((_, subject @ Subject::Target(true, _))), None) = (of_kind.next(), of_kind.next()) {
        let key = (kind, subject.clone());
        block.lines.remove(&key);
    }
}
