//! Every BGP message that a BIRD neighbour received, as BIRD itself wrote it down (MRT, RFC 6396): what a table cannot tell,
//! such as a route that left and came back, and where End-of-RIB stood.

use anyhow::{Context, Result, ensure};
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// MRT: type of BGP records, its header's length, the code of the state Established (RFC 6396 4.4).
const BGP4MP: u16 = 16;
const HEADER: usize = 12;
const ESTABLISHED: u16 = 6;

/// An address and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(pub IpAddr, pub u8);

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// What a neighbour heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The session came up.
    Up,
    /// The session went down.
    Down,
    /// An UPDATE of unicast routes; IPv4 and IPv6 alike.
    Update {
        /// Routes that left.
        withdrawn: Vec<Prefix>,
        /// Routes that came, or came again with other attributes.
        announced: Vec<Prefix>,
    },
    /// End-of-RIB (RFC 4724) of IPv4 unicast (AFI 1) or IPv6 unicast (AFI 2).
    EndOfRib(u16),
}

/// One thing heard.
#[derive(Clone, Debug)]
pub struct Message {
    /// The neighbour's own address of the session.
    pub session: IpAddr,
    /// Who is at the other end.
    pub peer: IpAddr,
    /// What it was.
    pub heard: Heard,
}

/// Follows the file that BIRD writes by `mrtdump "FILE"; mrtdump protocols { states, messages };`.
#[derive(Debug)]
pub struct Updates {
    file: File,
    rest: Vec<u8>,
}

impl Updates {
    /// Everything that stands in the file, from its start.
    pub fn follow(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        Ok(Self { file, rest: Vec::new() })
    }

    /// What came since the last call.
    pub fn read(&mut self) -> Result<Vec<Message>> {
        self.file.read_to_end(&mut self.rest).context("read BIRD's MRT file")?;
        let (mut messages, mut used) = (Vec::new(), 0);
        while let Some(record) = self.rest.get(used..).filter(|rest| rest.len() >= HEADER) {
            let length = u32::from_be_bytes([record[8], record[9], record[10], record[11]]) as usize;
            let Some(body) = record.get(HEADER..HEADER + length) else { break };
            ensure!(u16::from_be_bytes([record[4], record[5]]) == BGP4MP, "not BGP4MP: {record:?}");
            let subtype = u16::from_be_bytes([record[6], record[7]]);
            if let Some(message) = read_record(subtype, Bytes(body))? {
                messages.push(message);
            }
            used += HEADER + length;
        }
        self.rest.drain(..used);
        Ok(messages)
    }
}

/// What a session's messages so far make of a table.
#[derive(Debug, Default)]
pub struct Table {
    /// The routes.
    pub routes: HashSet<Prefix>,
    /// How often it went down.
    pub downs: usize,
}

impl Table {
    /// Takes a message in. A session that goes down takes its routes with it: no graceful restart here.
    pub fn take(&mut self, heard: &Heard) {
        match heard {
            Heard::Update { withdrawn, announced } => {
                for prefix in withdrawn {
                    self.routes.remove(prefix);
                }
                self.routes.extend(announced);
            }
            Heard::Down => {
                self.routes.clear();
                self.downs += 1;
            }
            Heard::Up | Heard::EndOfRib(_) => {}
        }
    }
}

/// Bytes of which one takes from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count).context("a record ends too early")?;
        self.0 = rest;
        Ok(front)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn part(&mut self, length: u16) -> Result<Self> {
        Ok(Bytes(self.take(length.into())?))
    }

    fn address(&mut self, afi: u16) -> Result<IpAddr> {
        Ok(match afi {
            1 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(self.take(4)?)?)),
            _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(self.take(16)?)?)),
        })
    }

    fn prefixes(&mut self, afi: u16) -> Result<Vec<Prefix>> {
        let mut prefixes = Vec::new();
        while !self.0.is_empty() {
            let length = self.u8()?;
            let mut address = [0; 16];
            let bytes = self.take(usize::from(length).div_ceil(8))?;
            address.get_mut(..bytes.len()).context("a prefix is too long")?.copy_from_slice(bytes);
            prefixes.push(Prefix(Bytes(&address).address(afi)?, length));
        }
        Ok(prefixes)
    }
}

/// A state change or a message (RFC 6396 4.4): subtypes 0 and 5, 1 and 4, with AS numbers of 2 and of 4 bytes.
fn read_record(subtype: u16, mut body: Bytes) -> Result<Option<Message>> {
    ensure!(matches!(subtype, 0 | 1 | 4 | 5), "unknown subtype {subtype}");
    body.take(if matches!(subtype, 4 | 5) { 8 } else { 4 })?;
    body.u16()?;
    let afi = body.u16()?;
    let (peer, session) = (body.address(afi)?, body.address(afi)?);
    let heard = if matches!(subtype, 0 | 5) {
        match (body.u16()?, body.u16()?) {
            (_, ESTABLISHED) => Some(Heard::Up),
            (ESTABLISHED, _) => Some(Heard::Down),
            _ => None,
        }
    } else {
        read_message(body)?
    };
    Ok(heard.map(|heard| Message { session, peer, heard }))
}

/// An UPDATE (RFC 4271 4.3, type 2); nothing of other messages.
fn read_message(mut message: Bytes) -> Result<Option<Heard>> {
    message.take(18)?;
    if message.u8()? != 2 {
        return Ok(None);
    }
    let length = message.u16()?;
    let mut withdrawn = message.part(length)?.prefixes(1)?;
    let length = message.u16()?;
    let mut attributes = message.part(length)?;
    let mut announced = message.prefixes(1)?;
    if withdrawn.is_empty() && announced.is_empty() && length == 0 {
        return Ok(Some(Heard::EndOfRib(1)));
    }
    while !attributes.0.is_empty() {
        let (flags, kind) = (attributes.u8()?, attributes.u8()?);
        let length = if flags & 0x10 == 0 { attributes.u8()?.into() } else { attributes.u16()? };
        let mut value = attributes.part(length)?;
        match kind {
            // MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).
            14 => {
                let (afi, safi, next_hop) = (value.u16()?, value.u8()?, value.u8()?);
                value.part(u16::from(next_hop) + 1)?;
                if safi == 1 {
                    announced.extend(value.prefixes(afi)?);
                }
            }
            15 => {
                let (afi, safi) = (value.u16()?, value.u8()?);
                if safi == 1 && value.0.is_empty() {
                    return Ok(Some(Heard::EndOfRib(afi)));
                }
                if safi == 1 {
                    withdrawn.extend(value.prefixes(afi)?);
                }
            }
            _ => {}
        }
    }
    Ok(Some(Heard::Update { withdrawn, announced }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An UPDATE, as BIRD 2.0.12 wrote it, and the End-of-RIB after it.
    #[test]
    fn records_are_read() -> Result<()> {
        let hex = "6b017a4700100004000000490000fbf40000fbf500020001ac1f0064ac1f0001ffffffffffffffffffffffffffffffff\
                   0035020000001440010100400206020100 00fbf4400304ac1f0064200a000002200a000001\
                   6b017a47001000040000002b0000fbf40000fbf500020001ac1f0064ac1f0001ffffffffffffffffffffffffffffffff\
                   00170200000000";
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair)?, 16).context("hex"))
            .collect::<Result<_>>()?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.mrt");
        std::fs::write(&path, &bytes)?;
        let messages = Updates::follow(&path)?.read()?;
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].session, IpAddr::from([172, 31, 0, 1]));
        let announced = vec![Prefix([10, 0, 0, 2].into(), 32), Prefix([10, 0, 0, 1].into(), 32)];
        assert_eq!(messages[0].heard, Heard::Update { withdrawn: Vec::new(), announced });
        assert_eq!(messages[1].heard, Heard::EndOfRib(1));
        Ok(())
    }
}
