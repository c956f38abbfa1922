//! What the files of a folder say, kept so that a change costs what changed.
//!
//! A file is known by its pieces, from one `---` to the next, and no text of them is kept. Where the pieces that
//! changed are a Service or an EndpointSlice each, before and after, only they are read. Anything else, such as
//! an edit of the configuration, a mistake, or an object that stands in two places, has everything read again:
//! the answer is always the one of [`plan::read`](crate::plan::read), except that problems of Services found
//! later than in reading have no place.

mod pieces;
#[cfg(test)]
mod tests;

use super::texts::Texts;
use super::{Options, Parsed, SourceText, parse_with};
use crate::plan::{self, is_ledger, names_of};
use crate::problem::{ObjectRef, Severity};
use crate::snapshot::{EndpointSlice, Few, Service, ServiceKey, SliceKey, Snapshot};
use herald_frr::shared::SharedMap;
use pieces::{Mark, Piece, Pieces, Says, pieces};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

/// The files of a folder, in pieces, and what they say together.
#[derive(Debug)]
pub struct Folder {
    options: Options,
    /// What objects have in common.
    texts: Texts,
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    /// By the hash of the name: there are as many as Services, and nothing else of the names is needed.
    files: SharedMap<FileKey, Pieces>,
    /// What the ledger records, of each Service that it names.
    recorded: SharedMap<ServiceKey, Few<IpAddr>>,
    parsed: Parsed,
}

/// What comes and goes with the pieces of some files.
#[derive(Default)]
struct Edit {
    texts: Texts,
    services: BTreeMap<ServiceKey, Option<Arc<Service>>>,
    slices: BTreeMap<SliceKey, Arc<EndpointSlice>>,
    /// Which slices these are, whatever Service they are of.
    slice_names: FxHashSet<SliceName>,
    recorded: BTreeMap<ServiceKey, Option<Arc<Service>>>,
    gone_services: Vec<ServiceKey>,
    gone_slices: Vec<SliceKey>,
    gone_records: Vec<ServiceKey>,
}

/// The hash of a file's name. Of 20,000 names two are alike once in 10^11 folders.
type FileKey = u64;

fn file_key(file: &str) -> FileKey {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(file)
}

/// Namespace and name of an EndpointSlice.
type SliceName = (Arc<str>, Arc<str>);

fn slice_name(key: &SliceKey) -> SliceName {
    (key.service.namespace.clone(), key.name.clone())
}

impl Folder {
    /// Knows no file yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { options: options.clone(), texts: Texts::default(), known: None }
    }

    /// Reads all files of the folder.
    pub fn read(&mut self, texts: Vec<SourceText>) -> Parsed {
        let (ledger, manifests): (Vec<_>, Vec<_>) = texts.into_iter().partition(|t| is_ledger(&t.file));
        let ledger_parsed = parse_with(&ledger, &self.options, &mut self.texts);
        let mut parsed = parse_with(&manifests, &self.options, &mut self.texts);
        let files = in_pieces(&ledger, &ledger_parsed).chain(in_pieces(&manifests, &parsed)).collect();
        plan::adopt(&mut parsed.snapshot, &plan::of_services(&ledger_parsed.snapshot.services));
        parsed.problems.extend(ledger_parsed.problems);
        let is_followed = |object: &ObjectRef| matches!(object.kind, "Service" | "EndpointSlice");
        // An object that stands twice, or somewhere with a mistake, may come back with the next edit.
        let errors = parsed.problems.iter().filter(|problem| problem.severity == Severity::Error);
        let followable = errors.filter_map(|error| error.object.as_ref()).all(|object| !is_followed(object));
        let index = parsed.index.keep(parsed.index.places().filter(|(object, _)| !is_followed(object)));
        let whole = std::mem::replace(&mut parsed.index, index);
        let ips = |service: &Service| service.ingress.iter().flatten().copied().collect();
        let recorded = ledger_parsed.snapshot.services.iter();
        let recorded = recorded.map(|(key, service)| (key.clone(), ips(service))).collect();
        self.known = followable.then(|| Known { files, recorded, parsed: parsed.clone() });
        self.texts.keep_common();
        Parsed { index: whole, ..parsed }
    }

    /// Takes in files that changed: what they say now, or that they are gone. `None` where all files have to be
    /// read again.
    pub fn change(&mut self, files: &[(Arc<str>, Option<&str>)]) -> Option<Parsed> {
        let mut known = self.known.take()?;
        let mut edit = Edit { texts: std::mem::take(&mut self.texts), ..Edit::default() };
        for (file, text) in files {
            let key = file_key(file);
            match (text, known.files.get_mut(&key)) {
                (Some(text), Some(pieces)) => edit.file(file, pieces, text, &self.options)?,
                (Some(text), None) => {
                    let mut pieces = Pieces::default();
                    edit.file(file, &mut pieces, text, &self.options)?;
                    known.files.insert(key, pieces);
                }
                (None, Some(pieces)) => {
                    edit.lost(file, pieces)?;
                    known.files.remove(&key);
                }
                (None, None) => {}
            }
        }
        self.texts = std::mem::take(&mut edit.texts);
        known.apply(edit)?;
        self.texts.keep_common();
        let parsed = known.parsed.clone();
        self.known = Some(known);
        Some(parsed)
    }
}

impl Known {
    /// `None` where an object would stand twice.
    fn apply(&mut self, edit: Edit) -> Option<()> {
        let snapshot = &mut self.parsed.snapshot;
        let mut records: Vec<ServiceKey> = edit.gone_records.clone();
        edit.gone_services.iter().for_each(|key| drop(snapshot.services.remove(key)));
        edit.gone_slices.iter().for_each(|key| drop(snapshot.endpoint_slices.remove(key)));
        edit.gone_records.iter().for_each(|key| drop(self.recorded.remove(key)));
        // Of another Service it would be the same object all the same.
        let mut new = edit.slice_names;
        for key in &edit.gone_slices {
            new.remove(&slice_name(key));
        }
        let names: FxHashSet<&str> = new.iter().map(|(_, name)| &**name).collect();
        let is_new = |key: &SliceKey| names.contains(&*key.name) && new.contains(&slice_name(key));
        if !names.is_empty() && snapshot.endpoint_slices.keys().any(is_new) {
            return None;
        }
        for (key, slice) in edit.slices {
            snapshot.endpoint_slices.insert(key, slice).is_none().then_some(())?;
        }
        for (key, record) in edit.recorded {
            let ips = record?.ingress.iter().flatten().copied().collect();
            self.recorded.insert(key.clone(), ips).is_none().then_some(())?;
            records.push(key);
        }
        for (key, service) in edit.services {
            let service = adopted(&service?, &key, &self.recorded);
            snapshot.services.insert(key, service).is_none().then_some(())?;
        }
        // A record counts for the Service of its name, and for the one without namespace.
        for key in records.iter().flat_map(names_of) {
            let Some(service) = snapshot.services.get(&key) else { continue };
            let service = adopted(service, &key, &self.recorded);
            snapshot.services.insert(key, service);
        }
        Some(())
    }
}

/// The Service with what is recorded for it, if it has no status of its own.
fn adopted(
    service: &Arc<Service>,
    key: &ServiceKey,
    recorded: &SharedMap<ServiceKey, Few<IpAddr>>,
) -> Arc<Service> {
    if !service.adopted && !service.ingress.is_empty() {
        return service.clone();
    }
    let found = names_of(key).into_iter().find_map(|key| recorded.get(&key).filter(|ips| !ips.is_empty()));
    let ingress: Few<_> = found.into_iter().flat_map(|ips| ips.iter()).copied().map(Ok).collect();
    if ingress == service.ingress {
        return service.clone();
    }
    let mut changed = Service::clone(service);
    changed.adopted = found.is_some();
    changed.ingress = ingress;
    Arc::new(changed)
}

impl Edit {
    /// A file is gone, with all that it said.
    fn lost(&mut self, file: &str, pieces: &Pieces) -> Option<()> {
        pieces.iter().try_for_each(|piece| self.gone(&piece.says, is_ledger(file)))
    }

    /// Takes in one file that says `text` now.
    fn file(&mut self, file: &Arc<str>, known: &mut Pieces, text: &str, options: &Options) -> Option<()> {
        let before = &**known;
        if before.iter().any(|piece| piece.says == Says::Unread) {
            return None;
        }
        let mark = |range: Range<usize>| (Mark::of(&text[range.clone()]), range);
        let now: Vec<(Mark, Range<usize>)> = pieces(text).into_iter().map(mark).collect();
        let same = |(old, (mark, _)): &(&Piece, &(Mark, Range<usize>))| old.mark() == *mark;
        let head = before.iter().zip(&now).take_while(same).count();
        let (old, new) = (&before[head..], &now[head..]);
        let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
        let (old, rest) = old.split_at(old.len() - tail);
        let (new, _) = new.split_at(new.len() - tail);
        let lines = |marks: &mut dyn Iterator<Item = Mark>| marks.map(|mark| mark.lines).sum::<u32>();
        let moved = lines(&mut old.iter().map(Piece::mark)) != lines(&mut new.iter().map(|(mark, _)| *mark));
        if moved && rest.iter().any(|piece| piece.says == Says::Other) {
            return None;
        }
        let ledger = is_ledger(file);
        for piece in old {
            self.gone(&piece.says, ledger)?;
        }
        let mut by = Vec::with_capacity(new.len());
        for (mark, range) in new {
            let piece = SourceText { file: file.clone(), text: text.get(range.clone())?.into() };
            let parsed = parse_with(&[piece], options, &mut self.texts);
            by.push(Piece::new(*mark, self.comes(&parsed, ledger)?));
        }
        let changed = head..head + old.len();
        known.replace(changed, by);
        Some(())
    }

    fn gone(&mut self, says: &Says, ledger: bool) -> Option<()> {
        match says {
            Says::Nothing => {}
            Says::Service(key) if ledger => self.gone_records.push(key.clone()),
            Says::Service(key) => self.gone_services.push(key.clone()),
            Says::Slice(slice) => self.gone_slices.push(slice.key()),
            Says::Other | Says::Unread => return None,
        }
        Some(())
    }

    fn comes(&mut self, parsed: &Parsed, ledger: bool) -> Option<Says> {
        let says = says(parsed)?;
        if ledger && matches!(says, Says::Slice(_)) {
            return None;
        }
        let Parsed { snapshot, .. } = parsed;
        let known = match &says {
            Says::Service(key) => {
                let services = if ledger { &mut self.recorded } else { &mut self.services };
                services.insert(key.clone(), snapshot.services.get(key).cloned()).is_some()
            }
            Says::Slice(slice) => {
                let key = slice.key();
                // The same slice of another Service is the same object.
                let twice = !self.slice_names.insert(slice_name(&key));
                self.slices.insert(key, slice.clone());
                twice
            }
            _ => false,
        };
        (!known).then_some(says)
    }
}

/// What a piece says that was read alone; `None` for what cannot be followed alone.
fn says(parsed: &Parsed) -> Option<Says> {
    let Parsed { snapshot, problems, index } = parsed;
    let mut places = index.places();
    match (places.next(), places.next()) {
        _ if !problems.is_empty() => None,
        (None, _) => Some(Says::Nothing),
        (Some((_, place)), None) if place.items.is_empty() => of_one(snapshot),
        _ => None,
    }
}

fn of_one(snapshot: &Snapshot) -> Option<Says> {
    let service = snapshot.services.keys().next().cloned().map(Says::Service);
    service.or_else(|| snapshot.endpoint_slices.values().next().cloned().map(Says::Slice))
}

/// The files in pieces, with what each says by what was read of them together.
fn in_pieces<'a>(
    texts: &'a [SourceText],
    parsed: &'a Parsed,
) -> impl Iterator<Item = (FileKey, Pieces)> + 'a {
    let slices: HashMap<&ObjectRef, &Arc<EndpointSlice>> =
        parsed.snapshot.endpoint_slices.values().map(|slice| (&slice.object, slice)).collect();
    // By file and place in it. A list for each file would take four times as much.
    let mut objects: Vec<(usize, usize, Says)> = Vec::new();
    for (object, place) in parsed.index.places() {
        let ledger = texts.get(place.source).is_some_and(|source| is_ledger(&source.file));
        let said = match object.kind {
            "EndpointSlice" if ledger => Says::Other,
            _ if !place.items.is_empty() => Says::Other,
            "Service" => Says::Service(ServiceKey::of(object)),
            "EndpointSlice" => slices.get(object).map_or(Says::Other, |slice| Says::Slice((*slice).clone())),
            _ => Says::Other,
        };
        objects.push((place.source, place.range.start, said));
    }
    objects.sort_unstable_by_key(|(source, start, _)| (*source, *start));
    let mut objects = objects.into_iter().peekable();
    let mut wrong: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut unread: HashSet<&str> = HashSet::new();
    for problem in &parsed.problems {
        let Some(location) = &problem.location else { continue };
        wrong.entry(&location.file).or_default().push(location.line);
        // Where no object was found, what follows may not have been read either.
        if problem.object.is_none() {
            unread.insert(&location.file);
        }
    }
    texts.iter().enumerate().map(move |(position, source)| {
        let wrong = wrong.get(&*source.file).map_or(&[][..], Vec::as_slice);
        let mut of_file = Vec::new();
        while let Some((_, start, said)) = objects.next_if(|(source, ..)| *source == position) {
            of_file.push((start, said));
        }
        let mut found = pieces_of(source, of_file, wrong);
        if unread.contains(&*source.file) {
            for piece in &mut found {
                piece.says = Says::Unread;
            }
        }
        (file_key(&source.file), found.into())
    })
}

/// The pieces of one file: `objects` by where their documents start, ascending, `wrong` the lines of its problems.
fn pieces_of(source: &SourceText, objects: Vec<(usize, Says)>, wrong: &[usize]) -> Vec<Piece> {
    let mut objects = objects.into_iter().peekable();
    let ranges = pieces(&source.text);
    let mut found = Vec::with_capacity(ranges.len());
    let mut line = 1;
    for range in ranges {
        let mark = Mark::of(&source.text[range.clone()]);
        let next = line + mark.lines as usize;
        let mut says = Says::Nothing;
        while let Some((_, said)) = objects.next_if(|(start, _)| *start < range.end) {
            says = if says == Says::Nothing { said } else { Says::Other };
        }
        if wrong.iter().any(|at| (line..=next).contains(at)) {
            says = Says::Other;
        }
        line = next;
        found.push(Piece::new(mark, says));
    }
    found
}
