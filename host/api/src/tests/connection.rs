use super::*;

#[tokio::test]
async fn a_connection_never_shows_its_secrets() {
    let api = Api::start().await;
    let body = json!({
        "connection_id": "warehouse", "conn_type": "postgres", "host": "db", "port": 5432, "login": "etl",
        "password": "hunter2", "extra": r#"{"sslmode":"require","aws_secret":"hunter2"}"#,
    });
    let made = api.post("/connections", body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    for reply in [made, api.get("/connections/warehouse").await, api.get("/connections").await] {
        assert!(!reply.text().contains("hunter2") && reply.text().contains("***"), "{}", reply.text());
    }
    api.post("/connections", body).await.problem(409, "already-exists");
    let free = json!({"connection_id": "free", "conn_type": "x", "extra": "user=a password=hunter2"});
    assert_eq!(api.post("/connections", free).await.ok()["extra"], "***");
}

#[tokio::test]
async fn what_is_shown_can_be_written_again() {
    let api = Api::start().await;
    let body = json!({
        "connection_id": "c", "conn_type": "http", "host": "h", "password": "hunter2", "extra": r#"{"token":"t","a":1}"#,
    });
    api.post("/connections", body).await.ok();
    let mut shown = api.get("/connections/c").await.ok();
    shown["host"] = json!("other");
    let changed = api.patch("/connections/c", shown).await.ok();
    assert_eq!((&changed["host"], &changed["password"]), (&json!("other"), &json!("***")), "{changed:#}");
    // Only a password that is left out on purpose goes away.
    let body = json!({"connection_id": "c", "conn_type": "ssh"});
    let changed = api.patch("/connections/c?update_mask=conn_type", body.clone()).await.ok();
    assert_eq!((&changed["conn_type"], &changed["host"]), (&json!("ssh"), &json!("other")), "{changed:#}");
    let changed = api.patch("/connections/c?update_mask=password", body).await.ok();
    assert_eq!((&changed["password"], &changed["host"]), (&Value::Null, &json!("other")), "{changed:#}");
    assert_eq!(api.delete("/connections/c").await.status, 204);
    api.get("/connections/c").await.problem(404, "connection-not-found");
}

#[tokio::test]
async fn what_no_connection_can_be_is_told() {
    let api = Api::start().await;
    let check = async |body: Value, code: &str, path: &str| {
        let problem = api.post("/connections", body).await.problem(422, "invalid-setting");
        assert_eq!(errors(&problem), [(code.to_owned(), path.to_owned())]);
    };
    check(json!({"connection_id": "", "conn_type": "x"}), "invalid-name", "/connection_id").await;
    check(json!({"connection_id": "c", "conn_type": ""}), "missing-type", "/conn_type").await;
    let port = json!({"connection_id": "c", "conn_type": "x", "port": 70000});
    api.post("/connections", port).await.problem(422, "invalid-body");
}
