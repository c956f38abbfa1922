//! The text of a configuration: what a network engineer would write by hand, in FRR's own order.
//!
//! The templates lie in the repository's `templates/frr`, one per stanza.

mod mask;
mod notes;

pub use mask::mask_passwords;

use crate::config::{AddressFamily, FrrConfig, Origins, PrefixList};
use crate::value::{Family, FrrName, Password};
use askama::Template;
use notes::Notes;
use std::borrow::Cow;

/// Whether passwords are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secrets {
    /// As [`Password::MASK`]; such a text is for reading, not for FRR.
    #[default]
    Mask,
    /// As they are.
    Show,
}

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RenderOptions {
    /// Whether passwords are written.
    pub secrets: Secrets,
    /// Whether `!` comments name the origins of each block.
    pub annotate: bool,
}

/// The configuration as the text of an `frr.conf`, without the lines of FRR's base file (`log`,
/// `hostname`, `service`, `line vty`).
///
/// Equal configurations give equal text. With [`Secrets::Show`] FRR takes the text as it is.
#[must_use]
pub fn render(config: &FrrConfig, options: &RenderOptions) -> String {
    let page = Page { config, options };
    let mut text = String::with_capacity(capacity(config));
    // Cannot fail: a String takes every write, and no value's Display gives an error.
    let _infallible = page.render_into(&mut text);
    text.push('\n');
    text
}

/// Bytes that the text takes, roughly: `network` lines and list entries are what there are many of.
fn capacity(config: &FrrConfig) -> usize {
    let networks: usize = config.routers.values().map(|router| router.networks.len()).sum();
    let rules: usize = config.prefix_lists.values().map(|list| list.rules.len()).sum();
    4096 + 64 * (networks + rules)
}

#[derive(Template)]
#[template(path = "frr/frr.conf", escape = "none")]
struct Page<'a> {
    config: &'a FrrConfig,
    options: &'a RenderOptions,
}

impl<'a> Page<'a> {
    /// Comments for a block at this depth of indentation; nothing unless asked for.
    fn notes<'o>(&self, indent: usize, origins: &'o Origins) -> Notes<'o> {
        Notes::new(self.options.annotate.then_some(origins), indent)
    }

    fn password<'p>(&self, password: &'p Password) -> &'p str {
        match self.options.secrets {
            Secrets::Mask => Password::MASK,
            Secrets::Show => password.expose(),
        }
    }

    fn raw<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.options.secrets {
            Secrets::Show => Cow::Borrowed(text),
            Secrets::Mask => mask_passwords(text),
        }
    }

    fn lists(&self, family: Family) -> impl Iterator<Item = (&'a FrrName, &'a PrefixList)> {
        self.config
            .prefix_lists
            .iter()
            .filter(move |((_, f), _)| *f == family)
            .map(|((name, _), list)| (name, list))
    }

    fn has_lists(&self, family: Family) -> bool {
        self.lists(family).any(|(_, list)| !list.rules.is_empty())
    }
}
