//! Changes in a folder and all below it, by inotify(7).
//!
//! After each gathered change the set of watched folders is made anew from what is there: a folder that was
//! removed and made again, a link that leads elsewhere, an overflow of the kernel's queue all end in the same
//! few lines. Watched are: every folder of the tree; the folders that links of the tree lead into; and above
//! the root the nearest folder that exists, so that the root may come and go.
//!
//! Where only plain files came, changed or went, they are named, and the set of folders stays: the tree has no
//! links then, so nothing else depends on them.

use crate::walk::{Visited, Visitor, is_hidden, is_manifest, walk};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout};

/// A change has settled once this long nothing follows it.
const QUIET: Duration = Duration::from_millis(5);
/// It is reported after this long in any case.
const PATIENCE: Duration = Duration::from_millis(100);
/// Writers are heard when they close the file: a half written one is not worth reading.
const EVENTS: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE)
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR);

/// Why changes cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The kernel gives no inotify instance; `fs.inotify.max_user_instances` limits them.
    #[error("no inotify instance (fs.inotify.max_user_instances): {0}")]
    Instance(io::Error),
    /// The kernel watches no more folders; `fs.inotify.max_user_watches` limits them.
    #[error("{}: cannot be watched (fs.inotify.max_user_watches): {why}", folder.display())]
    Watch {
        /// The folder.
        folder: PathBuf,
        /// Why.
        why: Errno,
    },
    /// The queue of events cannot be read.
    #[error("inotify: {0}")]
    Queue(io::Error),
}

/// Tells when something in a folder changes.
#[derive(Debug)]
pub struct Watcher {
    root: PathBuf,
    queue: AsyncFd<Queue>,
    watched: HashMap<WatchDescriptor, Interest>,
    /// Some file is reached by a link or has several names: which paths an event concerns cannot be told.
    linked: bool,
    touched: Touched,
    /// The set of watched folders has to be made anew.
    stale: bool,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These files of the tree, by their paths below the root: they came, changed, or went.
    Files(BTreeSet<PathBuf>),
    /// Anything.
    All,
}

#[derive(Debug)]
struct Queue(Inotify);

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// What counts in a watched folder.
#[derive(Debug, Default, PartialEq, Eq)]
struct Interest {
    /// Its path below the root, where it is part of the tree: manifests and folders in it count.
    inside: Option<PathBuf>,
    /// Entries that count in any case.
    names: HashSet<OsString>,
}

impl Watcher {
    /// Watches `root` and all below it. `root` need not exist. Must be called inside a tokio runtime.
    pub fn new(root: &Path) -> Result<Self, WatchError> {
        let flags = InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC;
        let inotify = Inotify::init(flags).map_err(|why| WatchError::Instance(why.into()))?;
        let queue = registered(inotify).map_err(WatchError::Instance)?;
        // Relative paths stay valid only as long as the working directory does.
        let root = std::path::absolute(root).map_err(WatchError::Instance)?;
        let mut watcher =
            Self { root, queue, watched: HashMap::new(), linked: false, touched: Touched::All, stale: false };
        watcher.watch_all()?;
        Ok(watcher)
    }

    /// Returns when something changed since the last return, or since `new`, and the change has settled.
    ///
    /// Several changes in a row are one. It may return for a change that turns out to be none. Dropping the
    /// future loses nothing but the settling.
    pub async fn changed(&mut self) -> Result<(), WatchError> {
        loop {
            let events = self.events().await?;
            if self.touch(&events) {
                break;
            }
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match timeout(QUIET, self.events()).await {
                Err(_) => break,
                Ok(more) => drop(self.touch(&more?)),
            }
        }
        if self.stale { self.watch_all() } else { Ok(()) }
    }

    /// What changed since this was asked last; at first, anything.
    pub fn touched(&mut self) -> Result<Touched, WatchError> {
        // `changed` may have been dropped before its end.
        if self.stale {
            self.watch_all()?;
        }
        Ok(std::mem::replace(&mut self.touched, Touched::Files(BTreeSet::new())))
    }

    /// Notes what the events say, and whether any of them counts.
    fn touch(&mut self, events: &[InotifyEvent]) -> bool {
        let counting: Vec<&InotifyEvent> = events.iter().filter(|event| self.counts(event)).collect();
        for event in &counting {
            match (self.file(event), &mut self.touched) {
                (Some(file), Touched::Files(files)) => drop(files.insert(file)),
                (Some(_), Touched::All) => {}
                (None, touched) => {
                    *touched = Touched::All;
                    self.stale = true;
                }
            }
        }
        !counting.is_empty()
    }

    /// The plain file that an event concerns, and nothing else; below the root.
    fn file(&self, event: &InotifyEvent) -> Option<PathBuf> {
        let folder = self.watched.get(&event.wd)?;
        let name = event.name.as_deref().filter(|name| !is_hidden(name) && is_manifest(Path::new(name)))?;
        let plain = !self.linked
            && !folder.names.contains(name)
            && !event.mask.intersects(AddWatchFlags::IN_ISDIR | AddWatchFlags::IN_Q_OVERFLOW);
        let path = folder.inside.as_ref().filter(|_| plain)?.join(name);
        match fs::symlink_metadata(self.root.join(&path)) {
            Ok(metadata) => (metadata.is_file() && metadata.nlink() == 1).then_some(path),
            Err(why) => (why.kind() == io::ErrorKind::NotFound).then_some(path),
        }
    }

    async fn events(&self) -> Result<Vec<InotifyEvent>, WatchError> {
        loop {
            let mut ready = self.queue.readable().await.map_err(WatchError::Queue)?;
            match ready.try_io(|queue| queue.get_ref().0.read_events().map_err(io::Error::from)) {
                Ok(events) => return events.map_err(WatchError::Queue),
                Err(_would_block) => {}
            }
        }
    }

    fn counts(&self, event: &InotifyEvent) -> bool {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return true;
        }
        let Some(interest) = self.watched.get(&event.wd) else { return false };
        let Some(name) = event.name.as_deref() else {
            // The folder itself went away or changed.
            return interest.inside.is_some();
        };
        interest.names.contains(name)
            || interest.inside.is_some()
                && (name.as_encoded_bytes().starts_with(b"..")
                    || !is_hidden(name) && (event.mask.contains(AddWatchFlags::IN_ISDIR) || may_count(name)))
    }

    /// Watches what has to be watched now, and nothing else any more.
    fn watch_all(&mut self) -> Result<(), WatchError> {
        let mut watching = Watching {
            root: &self.root,
            inotify: &self.queue.get_ref().0,
            watched: HashMap::new(),
            linked: false,
            error: None,
        };
        watching.way_to(&self.root);
        if let Ok(metadata) = fs::metadata(&self.root)
            && metadata.is_dir()
        {
            let mut visited = Visited::default();
            visited.first(&metadata);
            walk(&self.root, &mut visited, &mut watching);
        }
        let Watching { watched, linked, error, .. } = watching;
        for gone in self.watched.keys().filter(|old| !watched.contains_key(old)) {
            // The kernel has dropped it already where the folder is gone.
            let _ = self.queue.get_ref().0.rm_watch(*gone);
        }
        self.watched = watched;
        self.linked = linked;
        self.stale = error.is_some();
        error.map_or(Ok(()), Err)
    }
}

#[expect(deprecated, reason = "its successor is an unsafe fn; Queue owns the one descriptor that it names")]
fn registered(inotify: Inotify) -> io::Result<AsyncFd<Queue>> {
    AsyncFd::with_interest(Queue(inotify), tokio::io::Interest::READABLE)
}

/// A link may be called anything; folders come with `IN_ISDIR`, links to folders do not.
fn may_count(name: &OsStr) -> bool {
    let path = Path::new(name);
    is_manifest(path) || path.extension().is_none()
}

struct Watching<'q> {
    root: &'q Path,
    inotify: &'q Inotify,
    watched: HashMap<WatchDescriptor, Interest>,
    linked: bool,
    error: Option<WatchError>,
}

impl Watching<'_> {
    fn add(&mut self, folder: &Path) -> Option<&mut Interest> {
        match self.inotify.add_watch(folder, EVENTS) {
            Ok(watch) => Some(self.watched.entry(watch).or_default()),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ELOOP) => None,
            Err(why) => {
                self.error = Some(WatchError::Watch { folder: folder.to_owned(), why });
                None
            }
        }
    }

    /// Watches for every entry on the way to `path` that may come, go or be swapped: the links on it, the path
    /// itself, and where it does not exist the first part that is missing.
    fn way_to(&mut self, path: &Path) {
        let mut folder = PathBuf::new();
        let parts: Vec<Component<'_>> = path.components().collect();
        for (position, part) in parts.iter().enumerate() {
            let next = folder.join(part);
            let metadata = fs::symlink_metadata(&next);
            let is_link = metadata.as_ref().is_ok_and(Metadata::is_symlink);
            if (is_link || metadata.is_err() || position + 1 == parts.len())
                && let Component::Normal(name) = part
                && let Some(interest) = self.add(&folder)
            {
                interest.names.insert((*name).to_owned());
            }
            if metadata.is_err() {
                return;
            }
            folder = next;
        }
    }

    /// Watches what a link leads to, one link after the other. The kernel's own limit is 40.
    fn targets(&mut self, link: &Path) {
        let mut link = link.to_owned();
        for _ in 0..40 {
            let Ok(target) = fs::read_link(&link) else { return };
            self.linked = true;
            let Some(folder) = link.parent() else { return };
            link = folder.join(target);
            self.way_to(&link);
        }
    }
}

impl Visitor for Watching<'_> {
    fn folder(&mut self, path: &Path) {
        let below = path.strip_prefix(self.root).unwrap_or(path).to_owned();
        if let Some(interest) = self.add(path) {
            interest.inside = Some(below);
        }
        self.targets(path);
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) {
        self.linked |= metadata.nlink() > 1;
        self.targets(path);
    }

    fn failed(&mut self, path: &Path, _: io::Error) {
        self.targets(path);
    }
}

#[cfg(test)]
mod tests;
