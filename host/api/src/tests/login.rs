use super::*;

async fn log_in(api: &Api, path: &str, media_type: &str, body: String) -> Reply {
    let request = Request::post(path).header("host", "waft").header("content-type", media_type);
    api.send(request.body(body.into()).expect("a request")).await
}

#[tokio::test]
async fn a_token_is_a_password() {
    let api = Api::start().await;
    let token = api.house.token().to_owned();
    let json = json!({"username": "admin", "password": token}).to_string();
    let form = format!("username=admin&password={token}");
    for path in ["/auth/token", "/auth/token/cli"] {
        for (media_type, body) in [("application/json", &json), ("application/x-www-form-urlencoded", &form)] {
            let reply = log_in(&api, path, media_type, body.clone()).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["access_token"]),
                (201, &json!(token)),
                "{path} {media_type}"
            );
        }
    }
}

#[tokio::test]
async fn another_password_is_refused_and_never_repeated() {
    let api = Api::start().await;
    for wrong in ["", "hunter2", "waft_hunter2"] {
        let body = json!({"username": "admin", "password": wrong}).to_string();
        let reply = log_in(&api, "/auth/token", "application/json", body).await;
        assert!(!reply.text().contains("hunter2"), "{reply:?}");
        reply.problem(401, "unauthenticated");
    }
    for body in ["", "[]", "{\"password\": 7}", "hunter2"] {
        let reply = log_in(&api, "/auth/token", "application/json", body.to_owned()).await;
        assert!(!reply.text().contains("hunter2"), "{reply:?}");
        reply.problem(400, "invalid-request");
    }
    let long = json!({"username": "x".repeat(5_000), "password": ""}).to_string();
    log_in(&api, "/auth/token", "application/json", long).await.problem(413, "too-large");
}
