//! `xcom`: named values. What is pushed stays here until the attempt ends; what is pulled comes from the host.

use std::collections::BTreeMap;

use model::limits::value::{XCOM_BYTES_PER_ATTEMPT_MAX, XCOM_KEYS_PER_ATTEMPT_MAX};
use model::{Key, MapIndex, TaskId};

use super::{checked_json, key, unexpected};
use crate::bindings::waft::task::types::Error;
use crate::bindings::waft::task::xcom::Host;
use crate::child::Guest;
use crate::host::{HostRequest, HostValue};

/// The key under which the result of a task is stored.
pub(crate) const RESULT_KEY: &str = "return_value";

/// What an attempt has pushed so far.
#[derive(Debug, Default)]
pub(crate) struct Xcoms {
    values: BTreeMap<Key, String>,
    bytes: usize,
}

impl Xcoms {
    fn push(&mut self, name: &str, value: String) -> Result<(), Error> {
        let key = key(name)?;
        if name == RESULT_KEY {
            return Err(Error::Invalid(format!("{RESULT_KEY} is the task's result; return it instead of pushing it")));
        }
        checked_json(&value)?;
        let before = self.values.get(&key).map(|old| old.len() + name.len());
        if before.is_none() && self.values.len() == XCOM_KEYS_PER_ATTEMPT_MAX {
            return Err(Error::QuotaExceeded(format!(
                "an attempt has at most {XCOM_KEYS_PER_ATTEMPT_MAX} XCom keys; {name:?} would be one more"
            )));
        }
        let bytes = self.bytes - before.unwrap_or(0) + value.len() + name.len();
        if bytes > XCOM_BYTES_PER_ATTEMPT_MAX {
            return Err(Error::QuotaExceeded(format!(
                "the XComs of an attempt have at most {XCOM_BYTES_PER_ATTEMPT_MAX} bytes; {bytes} with {name:?}; write big \
                 values as blobs"
            )));
        }
        self.bytes = bytes;
        self.values.insert(key, value);
        Ok(())
    }

    /// Each key once, sorted.
    pub(crate) fn into_values(self) -> Vec<(Key, String)> {
        self.values.into_iter().collect()
    }
}

impl Host for Guest {
    fn push(&mut self, key: String, value: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.xcoms.push(&key, value))
    }

    async fn pull(
        &mut self,
        task_id: String,
        map_index: i32,
        name: String,
    ) -> wasmtime::Result<Result<Option<String>, Error>> {
        let request = || {
            let task_id = TaskId::new(task_id).map_err(|error| Error::Invalid(error.to_string()))?;
            let map_index = MapIndex::from_number(map_index)
                .ok_or_else(|| Error::Invalid(format!("map-index {map_index} is not valid: -1 or a position")))?;
            Ok(HostRequest::XcomPull { task_id, map_index, key: key(&name)? })
        };
        Ok(match request() {
            Err(error) => Err(error),
            Ok(request) => match self.call_host(request).await {
                Ok(HostValue::Json(value)) => Ok(value),
                Ok(other) => Err(unexpected(&other)),
                Err(error) => Err(error.into()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_of_a_key_counts() {
        let mut xcoms = Xcoms::default();
        xcoms.push("a", "1".into()).expect("valid");
        xcoms.push("a", "2".into()).expect("valid");
        assert_eq!(xcoms.into_values(), [(Key::new("a").expect("valid"), "2".to_owned())]);
    }

    #[test]
    fn bad_keys_the_result_and_bad_json_are_invalid() {
        let mut xcoms = Xcoms::default();
        for (key, value) in [("", "1"), ("a b", "1"), ("return_value", "1"), ("a", "{"), ("a", "")] {
            assert!(matches!(xcoms.push(key, value.into()), Err(Error::Invalid(_))), "{key:?} {value:?}");
        }
        assert!(xcoms.into_values().is_empty());
    }

    #[test]
    fn the_number_of_keys_is_bounded_and_a_known_key_may_still_change() {
        let mut xcoms = Xcoms::default();
        for number in 0..XCOM_KEYS_PER_ATTEMPT_MAX {
            xcoms.push(&format!("k{number}"), "0".into()).expect("within the limit");
        }
        assert!(matches!(xcoms.push("more", "0".into()), Err(Error::QuotaExceeded(_))));
        xcoms.push("k0", "1".into()).expect("a known key");
    }

    #[test]
    fn bytes_are_bounded_and_freed_by_overwriting() {
        let mut xcoms = Xcoms::default();
        let big = format!("\"{}\"", "x".repeat((1 << 20) - 100));
        for number in 0..4 {
            xcoms.push(&format!("k{number}"), big.clone()).expect("within the limit");
        }
        assert!(matches!(xcoms.push("k4", big.clone()), Err(Error::QuotaExceeded(_))));
        xcoms.push("k0", "0".into()).expect("smaller");
        xcoms.push("k4", big).expect("there is room again");
    }
}
