//! A tree of nodes built from a flat run of events, for both readers: no recursion, and every limit kept here.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Content, DocumentError, Entry, MAX_DEPTH, MAX_NODES, Node, Place};

/// How many nodes the anchors and aliases of one text may copy: a tiny text can ask for any number.
const MAX_COPIED_NODES: usize = 1_000_000;

/// How many bytes of text they may copy; shared in memory, but not where they are written out.
const MAX_COPIED_BYTES: usize = 64 << 20;

/// The nodes begun but not ended yet, outermost first, and the count of all nodes made.
#[derive(Default)]
pub(super) struct Builder {
    frames: Vec<Frame>,
    root: Option<Node>,
    nodes: usize,
    copied_nodes: usize,
    copied_bytes: usize,
}

/// A finished node, and what its repetition by an alias would cost.
#[derive(Clone)]
pub(super) struct Built {
    /// The node.
    pub(super) node: Node,
    /// How many levels of mappings and sequences it holds; 0 for a scalar.
    pub(super) height: usize,
    /// How many nodes it holds, itself included.
    pub(super) nodes: usize,
    /// How many bytes of text it holds.
    pub(super) bytes: usize,
}

struct Frame {
    place: Place,
    shape: Shape,
    height: usize,
    nodes: usize,
    bytes: usize,
}

enum Shape {
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

#[derive(Default)]
struct Mapping {
    entries: Vec<Entry>,
    origins: HashMap<Arc<str>, (usize, Origin)>,
    pending: Pending,
    merges: usize,
}

/// Whether an entry is the mapping's own or came by its n-th merge key.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Own,
    Merge(usize),
}

/// What the next value belongs to.
#[derive(Default)]
enum Pending {
    #[default]
    Nothing,
    Key(Arc<str>, Place),
    Merge(Place),
}

impl Builder {
    /// Begins a sequence at `place`.
    pub(super) fn open_sequence(&mut self, place: Place) -> Result<(), DocumentError> {
        self.open(place, Shape::Sequence(Vec::new()))
    }

    /// Begins a mapping at `place`.
    pub(super) fn open_mapping(&mut self, place: Place) -> Result<(), DocumentError> {
        self.open(place, Shape::Mapping(Mapping::default()))
    }

    /// Whether the next scalar is a key.
    pub(super) fn expects_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame { shape: Shape::Mapping(Mapping { pending: Pending::Nothing, .. }), .. })
        )
    }

    /// Whether the next value is to be merged into the mapping.
    pub(super) fn expects_merge(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame { shape: Shape::Mapping(Mapping { pending: Pending::Merge(_), .. }), .. })
        )
    }

    /// The place of the key whose value comes next.
    pub(super) fn key_place(&self) -> Option<Place> {
        match &self.frames.last()?.shape {
            Shape::Mapping(Mapping { pending: Pending::Key(_, place) | Pending::Merge(place), .. }) => Some(*place),
            Shape::Mapping(_) | Shape::Sequence(_) => None,
        }
    }

    /// Takes a key; refuses one that the mapping has already.
    pub(super) fn key(&mut self, key: &str, place: Place) -> Result<(), DocumentError> {
        let Some(Frame { shape: Shape::Mapping(mapping), bytes, .. }) = self.frames.last_mut() else {
            return Err(DocumentError::new(place, "key outside of a mapping"));
        };
        if let Some((at, Origin::Own)) = mapping.origins.get(key) {
            let first = mapping.entries.get(*at).map_or(place, |entry| entry.key_place);
            return Err(DocumentError::new(place, format!("key {key:?} is given twice, first in line {}", first.line))
                .hint("remove one of them; programs differ in which they read"));
        }
        *bytes = bytes.saturating_add(key.len());
        mapping.pending = Pending::Key(Arc::from(key), place);
        Ok(())
    }

    /// Takes a merge key: the next value's entries become this mapping's.
    pub(super) fn merge_key(&mut self, place: Place) {
        if let Some(Frame { shape: Shape::Mapping(mapping), .. }) = self.frames.last_mut() {
            mapping.pending = Pending::Merge(place);
            mapping.merges = mapping.merges.saturating_add(1);
        }
    }

    /// Ends the innermost mapping or sequence; none if there is none.
    pub(super) fn close(&mut self) -> Option<Built> {
        let frame = self.frames.pop()?;
        let content = match frame.shape {
            Shape::Sequence(items) => Content::Sequence(items),
            Shape::Mapping(mapping) => Content::Mapping(mapping.entries),
        };
        Some(Built {
            node: Node { place: frame.place, content },
            height: frame.height.saturating_add(1),
            nodes: frame.nodes,
            bytes: frame.bytes,
        })
    }

    /// Takes away the item that the list at `key` of the outermost mapping has got; none if it has got none. It counts
    /// no longer.
    pub(super) fn take_item(&mut self, key: &str) -> Option<Node> {
        let [root, list] = self.frames.as_mut_slice() else { return None };
        let Shape::Mapping(Mapping { pending: Pending::Key(name, _), .. }) = &root.shape else { return None };
        let Shape::Sequence(items) = &mut list.shape else { return None };
        let item = if &**name == key { items.pop() } else { None }?;
        self.nodes = self.nodes.saturating_sub(list.nodes.saturating_sub(1));
        list.nodes = 1;
        Some(item)
    }

    /// Puts a finished node where it belongs: into the innermost mapping or sequence, or at the root.
    pub(super) fn add(&mut self, built: Built) -> Result<(), DocumentError> {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(built.node);
            return Ok(());
        };
        frame.height = frame.height.max(built.height);
        frame.nodes = frame.nodes.saturating_add(built.nodes);
        frame.bytes = frame.bytes.saturating_add(built.bytes);
        match &mut frame.shape {
            Shape::Sequence(items) => {
                items.push(built.node);
                Ok(())
            }
            Shape::Mapping(mapping) => mapping.add(built.node),
        }
    }

    /// Puts a scalar where it belongs. Unlike what [`Self::close`] gives, it has not been counted yet.
    pub(super) fn scalar(&mut self, built: Built) -> Result<(), DocumentError> {
        self.count(built.node.place, built.nodes)?;
        self.add(built)
    }

    /// A copy of `built`, if there have not been too many.
    pub(super) fn copy(&mut self, built: &Built, place: Place) -> Result<Built, DocumentError> {
        self.copied_nodes = self.copied_nodes.saturating_add(built.nodes);
        self.copied_bytes = self.copied_bytes.saturating_add(built.bytes);
        if self.copied_nodes > MAX_COPIED_NODES || self.copied_bytes > MAX_COPIED_BYTES {
            return Err(DocumentError::new(place, "anchors and aliases multiply its content beyond measure")
                .hint("write out what is meant, or split it into several files"));
        }
        Ok(built.clone())
    }

    /// Puts a copy of `built` where it belongs.
    pub(super) fn repeat(&mut self, built: &Built, place: Place) -> Result<(), DocumentError> {
        if self.frames.len().saturating_add(built.height) > MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.count(place, built.nodes)?;
        let copy = self.copy(built, place)?;
        self.add(copy)
    }

    /// The finished document, if there is one.
    pub(super) fn finish(&mut self) -> Option<Node> {
        self.frames.clear();
        self.root.take()
    }

    fn open(&mut self, place: Place, shape: Shape) -> Result<(), DocumentError> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.count(place, 1)?;
        self.frames.push(Frame { place, shape, height: 0, nodes: 1, bytes: 0 });
        Ok(())
    }

    fn count(&mut self, place: Place, nodes: usize) -> Result<(), DocumentError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(DocumentError::new(place, format!("holds more than {MAX_NODES} values"))
                .hint("split it into several files"));
        }
        Ok(())
    }
}

impl Built {
    /// A scalar.
    pub(super) fn scalar(place: Place, content: Content) -> Self {
        let bytes = if let Content::String(text) = &content { text.len() } else { 0 };
        Self { node: Node { place, content }, height: 0, nodes: 1, bytes }
    }
}

impl Mapping {
    fn add(&mut self, value: Node) -> Result<(), DocumentError> {
        match std::mem::take(&mut self.pending) {
            Pending::Key(key, key_place) => {
                self.set(Entry { key, key_place, value }, Origin::Own);
                Ok(())
            }
            Pending::Merge(place) => self.merge(value, place),
            Pending::Nothing => Err(DocumentError::new(value.place, "value without a key")),
        }
    }

    fn set(&mut self, entry: Entry, origin: Origin) {
        let next = self.entries.len();
        let (at, _) =
            *self.origins.entry(Arc::clone(&entry.key)).and_modify(|(_, old)| *old = origin).or_insert((next, origin));
        match self.entries.get_mut(at) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// Merges the entries of a mapping, or of a list of mappings of which the first that has a key wins.
    fn merge(&mut self, value: Node, place: Place) -> Result<(), DocumentError> {
        let sources = match value.content {
            Content::Sequence(items) => items,
            _ => vec![value],
        };
        let this = Origin::Merge(self.merges);
        for source in sources {
            let Content::Mapping(entries) = source.content else {
                return Err(DocumentError::new(place, "merge key `<<` needs a mapping or a list of mappings"));
            };
            for entry in entries {
                match self.origins.get(&entry.key) {
                    Some((_, origin)) if *origin == this => {}
                    Some((at, _)) => {
                        let first = self.entries.get(*at).map_or(place, |entry| entry.key_place);
                        return Err(DocumentError::new(
                            place,
                            format!("merge key `<<` sets {:?} again, which line {} set", entry.key, first.line),
                        )
                        .hint("put `<<` first in its mapping; kubectl and other programs differ in which value wins"));
                    }
                    None => self.set(entry, this),
                }
            }
        }
        Ok(())
    }
}

/// The refusal of a document with too many levels.
pub(super) fn too_deep(place: Place) -> DocumentError {
    DocumentError::new(place, format!("is nested too deep, {MAX_DEPTH} levels are the limit"))
}
