//! What a process of a server does.

use super::Element;

/// Parts of a server's work.
pub(crate) struct Roles;

/// Which parts of a server's work a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoleSet {
    /// Answers HTTP requests.
    pub(crate) api: bool,
    /// Decides about runs.
    pub(crate) scheduler: bool,
    /// Runs task instances.
    pub(crate) worker: bool,
}

impl RoleSet {
    pub(crate) const ALL: RoleSet = RoleSet { api: true, scheduler: true, worker: true };
    const NONE: RoleSet = RoleSet { api: false, scheduler: false, worker: false };

    fn add(&mut self, role: &str) -> bool {
        let place = match role {
            "api" => &mut self.api,
            "scheduler" => &mut self.scheduler,
            "worker" => &mut self.worker,
            _ => return false,
        };
        *place = true;
        true
    }
}

impl Element for Roles {
    const KEY: &'static str = "role";
    const VARIABLE: &'static str = "WAFT_ROLE";
    const FLAG: &'static str = "--role";

    type Value = RoleSet;

    fn parse(text: &str) -> Result<RoleSet, String> {
        let mut roles = RoleSet::NONE;
        match text.split(',').map(str::trim).find(|role| !roles.add(role)) {
            Some(unknown) => {
                Err(format!("{unknown:?} is no role; name some of api, scheduler and worker, with commas between"))
            }
            None => Ok(roles),
        }
    }

    fn show(value: &RoleSet) -> String {
        let named = [(value.api, "api"), (value.scheduler, "scheduler"), (value.worker, "worker")];
        named.into_iter().filter_map(|(has, name)| has.then_some(name)).collect::<Vec<_>>().join(",")
    }

    fn default() -> RoleSet {
        RoleSet::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_list() {
        assert_eq!(Roles::parse("worker, api").map(|roles| Roles::show(&roles)).as_deref(), Ok("api,worker"));
        assert_eq!(Roles::parse("api,scheduler,worker"), Ok(RoleSet::ALL));
        for text in ["", "api,", "ui"] {
            assert!(Roles::parse(text).unwrap_err().contains("is no role"), "{text:?}");
        }
    }
}
