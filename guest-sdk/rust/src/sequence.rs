//! [`Sequence`]: many values, read in pages as they are iterated over.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{HostError, TaskError};
use crate::host;
use crate::json_type::{JsonType, Type};

/// Values asked for at a time; the host gives fewer where they are large.
const PAGE: u32 = 1_000;

/// The values that the instances of a mapped task left, in index order, without the holes of instances that left none.
///
/// Lazy: holding one costs nothing, iterating holds one page at a time, and it can be iterated over as often as wanted. In a
/// unit test it is made from a `Vec`.
///
/// ```
/// use waft::prelude::*;
///
/// #[task]
/// fn longest(counts: Sequence<u64>) -> Result<Option<u64>, TaskError> {
///     let mut longest = None;
///     for count in &counts {
///         longest = longest.max(Some(count?));
///     }
///     Ok(longest)
/// }
///
/// assert_eq!(longest::body(vec![3, 8, 5].into()).unwrap(), Some(8));
/// ```
pub struct Sequence<T> {
    values: Values,
    ty: PhantomData<fn() -> T>,
}

enum Values {
    Here(Vec<Box<RawValue>>),
    There { id: u64, handle: host::SequenceHandle },
}

/// Stands in arguments for a sequence.
#[derive(Deserialize)]
pub(crate) struct Marker {
    #[serde(rename = "$waft")]
    kind: String,
    id: u64,
}

impl Marker {
    /// The marker, if `raw` is one. A user's object never has a `$waft` key.
    pub(crate) fn find(raw: &RawValue) -> Option<Self> {
        if !raw.get().starts_with('{') || !raw.get().contains("\"$waft\"") {
            return None;
        }
        serde_json::from_str::<Self>(raw.get()).ok().filter(|marker| marker.kind == "sequence")
    }

    /// All values as the text of one list, for an argument that is a plain list.
    pub(crate) fn read_all(&self) -> Result<String, HostError> {
        let handle = host::SequenceHandle::open(self.id)?;
        let mut list = String::from("[");
        loop {
            let page = handle.next(PAGE)?;
            if page.is_empty() {
                break;
            }
            for value in page {
                if list.len() > 1 {
                    list.push(',');
                }
                list.push_str(&value);
            }
        }
        list.push(']');
        Ok(list)
    }
}

impl<T: DeserializeOwned> Sequence<T> {
    pub(crate) fn of_list(list: &RawValue) -> Result<Self, serde_json::Error> {
        Ok(Self { values: Values::Here(serde_json::from_str(list.get())?), ty: PhantomData })
    }

    pub(crate) fn open(marker: Marker) -> Result<Self, HostError> {
        let handle = host::SequenceHandle::open(marker.id)?;
        Ok(Self { values: Values::There { id: marker.id, handle }, ty: PhantomData })
    }

    /// How many values there are.
    ///
    /// ```
    /// let sequence = waft::Sequence::from(vec!["a".to_owned()]);
    /// assert_eq!(sequence.len(), 1);
    /// ```
    pub fn len(&self) -> u64 {
        match &self.values {
            Values::Here(values) => values.len() as u64,
            Values::There { handle, .. } => handle.len(),
        }
    }

    /// True where no instance left a value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `position`, counted from 0 without the holes; `None` past the end.
    ///
    /// # Errors
    /// The host cannot read the value, or it is no `T`.
    ///
    /// ```
    /// let sequence = waft::Sequence::from(vec![10_u64, 20]);
    /// assert_eq!(sequence.get(1).unwrap(), Some(20));
    /// assert_eq!(sequence.get(2).unwrap(), None);
    /// ```
    pub fn get(&self, position: u64) -> Result<Option<T>, TaskError> {
        match &self.values {
            Values::Here(values) => {
                let value = usize::try_from(position).ok().and_then(|position| values.get(position));
                value.map(|value| read(position, value.get())).transpose()
            }
            Values::There { handle, .. } => handle.get(position)?.map(|json| read(position, &json)).transpose(),
        }
    }

    /// The values from the first on. Each call starts anew and independently of other iterators.
    ///
    /// An item is an error where the host cannot read a page or a value is no `T`; nothing follows an unreadable page.
    pub fn iter(&self) -> SequenceIter<'_, T> {
        SequenceIter {
            position: 0,
            ty: PhantomData,
            pages: match &self.values {
                Values::Here(values) => Pages::Here(values.iter()),
                Values::There { id, .. } => Pages::Unopened(*id),
            },
        }
    }

    /// All values at once, for sequences that are known to be short.
    ///
    /// # Errors
    /// As [`iter`](Self::iter).
    pub fn to_vec(&self) -> Result<Vec<T>, TaskError> {
        self.iter().collect()
    }
}

fn read<T: DeserializeOwned>(position: u64, json: &str) -> Result<T, TaskError> {
    serde_json::from_str(json).map_err(|error| TaskError::fatal(format!("value {position} of the sequence: {error}")))
}

/// Iterates over a [`Sequence`].
pub struct SequenceIter<'a, T> {
    position: u64,
    pages: Pages<'a>,
    ty: PhantomData<fn() -> T>,
}

enum Pages<'a> {
    Here(std::slice::Iter<'a, Box<RawValue>>),
    Unopened(u64),
    Open { handle: host::SequenceHandle, page: std::vec::IntoIter<String> },
    Ended,
}

impl<T: DeserializeOwned> Iterator for SequenceIter<'_, T> {
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = match &mut self.pages {
            Pages::Here(values) => read(self.position, values.next()?.get()),
            Pages::Ended => return None,
            _ => match self.pages.next_json() {
                Ok(json) => read(self.position, &json?),
                Err(error) => {
                    self.pages = Pages::Ended;
                    Err(error.into())
                }
            },
        };
        self.position += 1;
        Some(value)
    }
}

impl Pages<'_> {
    fn next_json(&mut self) -> Result<Option<String>, HostError> {
        if let Self::Unopened(id) = *self {
            *self = Self::Open { handle: host::SequenceHandle::open(id)?, page: Vec::new().into_iter() };
        }
        let Self::Open { handle, page } = self else { return Ok(None) };
        if page.len() == 0 {
            *page = handle.next(PAGE)?.into_iter();
        }
        Ok(page.next())
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a Sequence<T> {
    type Item = Result<T, TaskError>;
    type IntoIter = SequenceIter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// For unit tests.
///
/// # Panics
/// Where a value is no JSON, as a map with keys that are no text.
impl<T: Serialize> From<Vec<T>> for Sequence<T> {
    fn from(values: Vec<T>) -> Self {
        let json = |value| {
            serde_json::value::to_raw_value(&value)
                .unwrap_or_else(|error| panic!("a value of a sequence is no JSON: {error}"))
        };
        Self { values: Values::Here(values.into_iter().map(json).collect()), ty: PhantomData }
    }
}

impl<T> fmt::Debug for Sequence<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.values {
            Values::Here(values) => write!(f, "Sequence of {}", values.len()),
            Values::There { handle, .. } => write!(f, "Sequence of {}", handle.len()),
        }
    }
}

impl<T> fmt::Debug for SequenceIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SequenceIter at {}", self.position)
    }
}

impl<T: Type> Type for Sequence<T> {
    type Present = Self;

    fn json_type() -> JsonType {
        JsonType::Sequence(Box::new(T::json_type()))
    }
}
