use super::*;

#[tokio::test]
async fn the_page_fetches_nothing_from_elsewhere() {
    let api = Api::start().await;
    let open = async |path: &str| {
        let request = Request::get(path).header("host", "waft").body(Body::empty()).expect("a request");
        let reply = api.send(request).await;
        assert_eq!(reply.status, 200, "{path}");
        let policy = reply.headers["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        (reply.headers["content-type"].to_str().expect("text").to_owned(), reply.text().to_owned())
    };
    let (media_type, page) = open("/docs").await;
    assert_eq!(media_type, "text/html; charset=utf-8");
    // What a browser fetches for it is served here, and nothing stands inline, which the policy would refuse.
    let named: Vec<_> = ["src=\"", "rel=\"stylesheet\" href=\""]
        .iter()
        .flat_map(|begin| page.split(begin).skip(1).map(|rest| rest.split('"').next().expect("a place").to_owned()))
        .collect();
    assert_eq!(named, ["docs/page.js", "docs/page.css"]);
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick"));
    assert_eq!(page.matches("<script").count(), page.matches("<script src=").count());
    for path in named {
        let (_, text) = open(&format!("/{path}")).await;
        assert!(!text.contains("://") && !text.contains("innerHTML"), "{path}");
    }
    assert!(page.contains("<html lang=\"en\">") && page.contains("<label for=\"search\">"));
}
