//! `assets`: events that a body tells. They stay here until the attempt ends.

use std::collections::HashSet;

use model::AssetName;
use model::json::{self, Kind};
use model::limits::asset::{EVENT_BYTES_PER_ATTEMPT_MAX, EVENTS_PER_ATTEMPT_MAX, EXTRA_MAX_BYTES};
use model::outcome::EmittedEvent;

use super::checked_json;
use crate::bindings::waft::task::assets::Host;
use crate::bindings::waft::task::types::Error;
use crate::child::Guest;

/// What an attempt has told so far.
#[derive(Debug, Default)]
pub(crate) struct AssetEvents {
    outlets: HashSet<AssetName>,
    told: Vec<EmittedEvent>,
    bytes: usize,
}

impl AssetEvents {
    /// Of these assets.
    pub(crate) fn new(outlets: Vec<AssetName>) -> Self {
        Self { outlets: outlets.into_iter().collect(), ..Self::default() }
    }

    fn tell(&mut self, name: &str, extra: String) -> Result<(), Error> {
        let asset = AssetName::new(name).map_err(|error| Error::Invalid(error.to_string()))?;
        if !self.outlets.contains(&asset) {
            return Err(Error::Denied(format!("asset {name:?} is no outlet of this task; name it in `outlets`")));
        }
        let event = EmittedEvent { asset, extra: extra.into() };
        check_event(&event)?;
        if self.told.len() == EVENTS_PER_ATTEMPT_MAX {
            let message = format!("an attempt tells at most {EVENTS_PER_ATTEMPT_MAX} events; this is one more");
            return Err(Error::QuotaExceeded(message));
        }
        let bytes = self.bytes + event.extra.len();
        if bytes > EVENT_BYTES_PER_ATTEMPT_MAX {
            return Err(Error::QuotaExceeded(format!(
                "the events of an attempt have at most {EVENT_BYTES_PER_ATTEMPT_MAX} bytes; these have {bytes}"
            )));
        }
        self.bytes = bytes;
        self.told.push(event);
        Ok(())
    }

    pub(crate) fn into_events(self) -> Vec<EmittedEvent> {
        self.told
    }
}

/// What every event keeps to.
pub(crate) fn check_event(event: &EmittedEvent) -> Result<(), Error> {
    let extra = &event.extra;
    if extra.len() > EXTRA_MAX_BYTES {
        let bytes = extra.len();
        return Err(Error::QuotaExceeded(format!(
            "an extra has at most {EXTRA_MAX_BYTES} bytes; this one has {bytes}"
        )));
    }
    checked_json(extra)?;
    match json::kind(extra) {
        Kind::Object(_) => Ok(()),
        found => Err(Error::Invalid(format!("extra is a JSON object, and this is {found}"))),
    }
}

impl Host for Guest {
    fn emit(&mut self, name: String, extra: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.asset_events.tell(&name, extra))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outlets_and_only_objects_within_limits() {
        let orders = AssetName::new("orders").expect("a name");
        let mut events = AssetEvents::new(vec![orders.clone()]);
        events.tell("orders", r#"{"rows":1}"#.to_owned()).expect("it is an outlet");
        assert!(matches!(events.tell("prices", "{}".to_owned()), Err(Error::Denied(_))));
        for wrong in ["", "[]", "1", "{", r#"{"a":1,"a":2}"#] {
            assert!(matches!(events.tell("orders", wrong.to_owned()), Err(Error::Invalid(_))), "{wrong:?}");
        }
        let long = format!("{{\"a\":{:?}}}", "x".repeat(EXTRA_MAX_BYTES));
        assert!(matches!(events.tell("orders", long), Err(Error::QuotaExceeded(_))));
        for _ in 1..EVENTS_PER_ATTEMPT_MAX {
            events.tell("orders", "{}".to_owned()).expect("within the limit");
        }
        assert!(matches!(events.tell("orders", "{}".to_owned()), Err(Error::QuotaExceeded(_))));
        let told = events.into_events();
        assert_eq!(told.len(), EVENTS_PER_ATTEMPT_MAX);
        assert_eq!(told[0], EmittedEvent { asset: orders, extra: r#"{"rows":1}"#.into() });
    }
}
