//! Many changes of variables, connections or pools in one request. Each action is done as far as it goes: what is refused is told beside
//! what was done, and an action that must not find (or must find) a thing does nothing when one of its things is otherwise.

use axum::Json;
use axum::extract::Request;
use control::{Code, Error, Session};
use model::Problem;
use model::limits::http::BULK_ENTITIES_MAX;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::app::App;
use crate::body;
use crate::from_wire::Mask;
use crate::problem::{Failure, status};
use crate::query::QueryReader;
use crate::wire::bulk::{
    BulkAction, BulkBody, BulkError, BulkResponse, BulkResult, NameOrEntity, OnExistence, OnNonExistence,
};

/// A kind of thing that is changed in bulk.
pub(crate) trait BulkEntity: ToSchema + DeserializeOwned + Clone + Send + Sync {
    /// What of it can be changed.
    const FIELDS: &'static [&'static str];

    fn name(&self) -> &str;
    fn exists(app: &App, session: &Session, name: &str) -> impl Future<Output = Result<bool, Error>> + Send;
    fn create(self, app: &App, session: &Session) -> impl Future<Output = Result<(), Error>> + Send;
    fn update(self, app: &App, session: &Session, mask: Mask) -> impl Future<Output = Result<(), Error>> + Send;
    fn delete(app: &App, session: &Session, name: &str) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Reads a request for many changes and does them.
pub(crate) async fn apply<T: BulkEntity>(
    app: &App,
    session: &Session,
    query: QueryReader,
    request: Request,
) -> Result<Json<BulkResponse>, Failure> {
    query.finish()?;
    let body: BulkBody<T> = body::json(app, request).await?;
    let count: usize = body.actions.iter().map(count).sum();
    if count > BULK_ENTITIES_MAX {
        let message = format!("the request names {count} things, and {BULK_ENTITIES_MAX} are the most; send several");
        return Err(Error::new(Code::LimitReached, message).into());
    }
    let mut done = BulkResponse::default();
    for action in body.actions {
        match action {
            BulkAction::Create { entities, action_on_existence } => {
                let result = done.create.get_or_insert_default();
                create(app, session, entities, action_on_existence, result).await;
            }
            BulkAction::Update { entities, action_on_non_existence, update_mask } => {
                let result = done.update.get_or_insert_default();
                match Mask::of(update_mask.as_deref().unwrap_or_default(), T::FIELDS) {
                    Ok(mask) => update(app, session, entities, action_on_non_existence, &mask, result).await,
                    Err(problem) => result.errors.push(refusal(&invalid(problem))),
                }
            }
            BulkAction::Delete { entities, action_on_non_existence } => {
                let result = done.delete.get_or_insert_default();
                delete::<T>(app, session, entities, action_on_non_existence, result).await;
            }
        }
    }
    Ok(Json(done))
}

fn count<T: ToSchema>(action: &BulkAction<T>) -> usize {
    match action {
        BulkAction::Create { entities, .. } | BulkAction::Update { entities, .. } => entities.len(),
        BulkAction::Delete { entities, .. } => entities.len(),
    }
}

async fn create<T: BulkEntity>(
    app: &App,
    session: &Session,
    entities: Vec<T>,
    on_existence: OnExistence,
    result: &mut BulkResult,
) {
    let names = entities.iter().map(|entity| entity.name().to_owned()).collect();
    let Some(found) = exist::<T>(app, session, names, result).await else { return };
    if on_existence == OnExistence::Fail
        && let Some((entity, _)) = entities.iter().zip(&found).find(|(_, is_there)| **is_there)
    {
        let message = format!("there is {:?} already; nothing of this action was done", entity.name());
        return result.errors.push(refusal(&Error::new(Code::AlreadyExists, message)));
    }
    for (entity, is_there) in entities.into_iter().zip(found) {
        let name = entity.name().to_owned();
        let done = match (is_there, on_existence) {
            (true, OnExistence::Skip) => continue,
            (true, _) => entity.update(app, session, Mask::default()).await,
            (false, _) => entity.create(app, session).await,
        };
        tell(name, done, result);
    }
}

async fn update<T: BulkEntity>(
    app: &App,
    session: &Session,
    entities: Vec<T>,
    on_absence: OnNonExistence,
    mask: &Mask,
    result: &mut BulkResult,
) {
    let names: Vec<_> = entities.iter().map(|entity| entity.name().to_owned()).collect();
    let Some(found) = exist::<T>(app, session, names.clone(), result).await else { return };
    if is_refused(&names, &found, on_absence, result) {
        return;
    }
    for (entity, _) in entities.into_iter().zip(found).filter(|(_, is_there)| *is_there) {
        let name = entity.name().to_owned();
        tell(name, entity.update(app, session, mask.clone()).await, result);
    }
}

async fn delete<T: BulkEntity>(
    app: &App,
    session: &Session,
    entities: Vec<NameOrEntity<T>>,
    on_absence: OnNonExistence,
    result: &mut BulkResult,
) {
    let names = entities.into_iter().map(|it| match it {
        NameOrEntity::Name(name) => name,
        NameOrEntity::Entity(entity) => entity.name().to_owned(),
    });
    let names: Vec<_> = names.collect();
    let Some(found) = exist::<T>(app, session, names.clone(), result).await else { return };
    if is_refused(&names, &found, on_absence, result) {
        return;
    }
    for (name, _) in names.into_iter().zip(found).filter(|(_, is_there)| *is_there) {
        let done = T::delete(app, session, &name).await;
        tell(name, done, result);
    }
}

/// Which of the things are there; `None`, and an error, where that is not known.
async fn exist<T: BulkEntity>(
    app: &App,
    session: &Session,
    names: Vec<String>,
    result: &mut BulkResult,
) -> Option<Vec<bool>> {
    let mut found = Vec::with_capacity(names.len());
    for name in &names {
        match T::exists(app, session, name).await {
            Ok(is_there) => found.push(is_there),
            Err(error) => {
                result.errors.push(refusal(&error));
                return None;
            }
        }
    }
    Some(found)
}

fn is_refused(names: &[String], found: &[bool], on_absence: OnNonExistence, result: &mut BulkResult) -> bool {
    if on_absence == OnNonExistence::Skip {
        return false;
    }
    let absent = names.iter().zip(found).find(|(_, is_there)| !**is_there);
    if let Some((name, _)) = absent {
        let error = format!("there is no {name:?}; nothing of this action was done");
        result.errors.push(BulkError { error, status_code: 404 });
    }
    absent.is_some()
}

fn tell(name: String, done: Result<(), Error>, result: &mut BulkResult) {
    match done {
        Ok(()) => result.success.push(name),
        Err(error) => result.errors.push(refusal(&error)),
    }
}

fn refusal(error: &Error) -> BulkError {
    let problems = error.all_problems().iter().map(|problem| format!("; {problem}"));
    let problems: String = problems.collect();
    BulkError { error: format!("{}{problems}", error.message()), status_code: status(error.code()).as_u16() }
}

fn invalid(problem: Problem) -> Error {
    Error::new(Code::InvalidSetting, "the update mask is not valid").problems(vec![problem])
}
