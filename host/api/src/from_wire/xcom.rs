//! Values that people leave.

use control::{Code, Error, InstanceName};
use model::{Key, MapIndex, Problem};

use crate::wire::xcom::{XcomCreateBody, XcomPatchBody};

/// The instance with a map index; -1 is that of a task that is not mapped.
pub(crate) fn indexed(name: InstanceName, map_index: Option<MapIndex>) -> InstanceName {
    InstanceName { map_index: map_index.filter(|it| *it != MapIndex::NONE), ..name }
}

/// A value to leave: beside which instance, under which name, and its text.
pub(crate) fn new_xcom(name: InstanceName, body: XcomCreateBody) -> Result<(InstanceName, Key, String), Error> {
    let key = Key::new(&body.key).map_err(|error| refused("/key", error.to_string()))?;
    Ok((numbered(name, body.map_index)?, key, body.value.get().to_owned()))
}

/// What a value becomes.
pub(crate) fn changed_xcom(name: InstanceName, body: XcomPatchBody) -> Result<(InstanceName, String), Error> {
    Ok((numbered(name, body.map_index)?, body.value.get().to_owned()))
}

fn numbered(name: InstanceName, map_index: Option<i32>) -> Result<InstanceName, Error> {
    let index = |number| {
        MapIndex::from_number(number).ok_or_else(|| refused("/map_index", "map indices are -1, 0, 1, …".to_owned()))
    };
    Ok(indexed(name, map_index.map(index).transpose()?))
}

fn refused(path: &str, message: String) -> Error {
    Error::new(Code::InvalidRequest, "the value cannot be left like this").problems(vec![Problem::error(
        "invalid-value",
        path,
        message,
    )])
}
