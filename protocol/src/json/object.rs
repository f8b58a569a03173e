//! Objects as ordered pairs: the payloads' objects are small, and their order is worth keeping.

use std::borrow::Cow;

use super::Json;

/// The members of a JSON object in input order, keys unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'a> Object<'a> {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an object of pairs whose keys the caller knows to be unique.
    pub(super) fn from_unique(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        Self { members }
    }

    /// The number of members, nulls included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member `key`; `None` if it is absent or null, which mean the same everywhere in the protocol.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.get_raw(key).filter(|value| !value.is_null())
    }

    /// The member `key`, null included.
    #[must_use]
    pub fn get_raw(&self, key: &str) -> Option<&Json<'a>> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The member `key` for changing it, null included.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json<'a>> {
        self.members
            .iter_mut()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v)
    }

    /// The string member `key`.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Whether the key exists, even if its value is null.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get_raw(key).is_some()
    }

    /// Sets `key`, in its old place if it exists, else at the end; returns the old value.
    pub fn insert(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        value: impl Into<Json<'a>>,
    ) -> Option<Json<'a>> {
        let (key, value) = (key.into(), value.into());
        if let Some(old) = self.get_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        self.members.push((key, value));
        None
    }

    /// Removes `key` and returns its value; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        let index = self.members.iter().position(|(k, _)| k == key)?;
        Some(self.members.remove(index).1)
    }

    /// The member `key`, made with `default` if it is absent.
    pub fn get_or_insert_with(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        default: impl FnOnce() -> Json<'a>,
    ) -> &mut Json<'a> {
        let key = key.into();
        let index = match self.members.iter().position(|(k, _)| *k == key) {
            Some(index) => index,
            None => {
                self.members.push((key, default()));
                self.members.len() - 1
            }
        };
        &mut self.members[index].1
    }

    /// Keeps only the members that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Json<'a>) -> bool) {
        self.members.retain_mut(|(key, value)| keep(key, value));
    }

    /// All members in order, nulls included.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Json<'a>)> + ExactSizeIterator {
        self.members
            .iter()
            .map(|(key, value)| (key.as_ref(), value))
    }

    /// All members in order for changing them, nulls included.
    pub fn iter_mut(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = (&str, &mut Json<'a>)> + ExactSizeIterator {
        self.members.iter_mut().map(|(key, value)| (&**key, value))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(key, _)| key.as_ref())
    }

    /// Cuts the object to its first `len` members.
    pub fn truncate(&mut self, len: usize) {
        self.members.truncate(len);
    }

    /// Sorts the members by key.
    pub fn sort_keys(&mut self) {
        self.members.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = std::vec::IntoIter<(Cow<'a, str>, Json<'a>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

/// Later duplicates replace earlier ones, in the earlier place.
impl<'a, K: Into<Cow<'a, str>>, V: Into<Json<'a>>> FromIterator<(K, V)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        super::parse::last_duplicate_wins(&mut members);
        Self { members }
    }
}
