//! `ctx.config` and the other namespaces that only ask, shown through the test host.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_plugin::protocol::context::airline::{Airline, RequestResult};
use outboard_plugin::testing::{Host, Setup};
use outboard_plugin::{CallError, ErrorReason, Failure, LogLevel, Plugin};
use serde_json::{Value, json};

/// Runs `work` as `on_start`, and gives the host.
async fn started<F, Fut>(setup: Setup, work: F) -> Host
where
    F: FnOnce(outboard_plugin::Context) -> Fut + Send + 'static,
    Fut: Future<Output = outboard_plugin::Result> + Send + 'static,
{
    setup.start(Plugin::new().on_start(work)).await.unwrap()
}

#[tokio::test]
async fn a_value_that_was_set_is_read_back_as_its_type() {
    let host = started(Setup::new("p"), |ctx| async move {
        ctx.config.set("links", &vec!["a", "b"]).await?;
        let links: Vec<String> = ctx.config.get("links").await?.unwrap();
        assert_eq!(links, ["a", "b"]);
        Ok(())
    })
    .await;
    assert_eq!(host.config("links"), Some(json!(["a", "b"])));
}

#[tokio::test]
async fn a_declared_default_comes_before_the_callers() {
    let setup = Setup::new("p").declared_default("interval", 30);
    started(setup, |ctx| async move {
        assert_eq!(ctx.config.get_or("interval", 5).await?, 30);
        assert_eq!(ctx.config.get_or("other", 5).await?, 5);
        assert_eq!(ctx.config.get::<u64>("other").await?, None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_deleted_key_is_gone_and_all_keys_are_listed() {
    started(Setup::new("p").config("a", 1).declared_default("b", 2), |ctx| async move {
        assert_eq!(ctx.config.get_all().await?.len(), 2);
        assert!(ctx.config.delete("a").await?);
        assert!(!ctx.config.delete("a").await?);
        assert_eq!(ctx.config.get::<Value>("a").await?, None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_and_not_a_default() {
    started(Setup::new("p").config("n", "text"), |ctx| async move {
        let read = ctx.config.get_or("n", 5u64).await;
        assert!(matches!(read, Err(CallError::Unreadable { method: "config.get", .. })), "{read:?}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_key_that_breaks_the_rules_is_never_sent() {
    started(Setup::new("p"), |ctx| async move {
        let set = ctx.config.set("line\nbreak", &1).await;
        assert_eq!(set.unwrap_err().reason(), Some(ErrorReason::InvalidParams));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_change_reaches_its_observer() {
    let host = started(Setup::new("p"), |ctx| async move {
        let config = ctx.clone();
        ctx.config.on_change(move |key, value| {
            config.logger.info("config", format!("{key} is {value:?}"));
        });
        Ok(())
    })
    .await;
    host.set_config("units", "metric").unwrap();
    assert!(host.logged("units is Some(String(\"metric\"))").await.is_some());
}

#[tokio::test]
async fn what_json_cannot_hold_is_refused_by_its_place_and_nothing_is_kept() {
    #[derive(serde::Serialize)]
    enum Odd {
        Newtype(f32),
        Struct { inner: Vec<Option<f64>> },
    }
    let host = started(Setup::new("p"), |ctx| async move {
        let refused = |outcome: Result<(), CallError>| {
            let Err(CallError::Unwritable { source, .. }) = outcome else { panic!("{outcome:?}") };
            source.to_string()
        };
        assert_eq!(refused(ctx.config.set("k", &f64::NAN).await), "value is NaN, which JSON cannot hold");
        let deep = std::collections::BTreeMap::from([("a", vec![1.0, f64::INFINITY])]);
        assert_eq!(
            refused(ctx.config.set("k", &deep).await),
            "value.a[1] is Infinity, which JSON cannot hold"
        );
        let odd = Odd::Struct { inner: vec![None, Some(f64::NEG_INFINITY)] };
        let said = refused(ctx.config.set("k", &odd).await);
        assert!(said.contains("inner[1]") && said.contains("is -Infinity"), "{said}");
        refused(ctx.config.set("k", &(1, Odd::Newtype(f32::NAN))).await);
        refused(ctx.config.set("k", &std::collections::HashMap::from([((1, 2), 3)])).await);
        refused(ctx.ipc.send("status", &[f64::NAN]));
        ctx.ipc.handle("odd", |_| async { Ok([f64::NAN]) });
        // Nothing at all is JSON.
        ctx.config.set("kept", &(None::<f64>, Some(-0.5), u64::MAX)).await?;
        let (none, some, large): (Option<f64>, f64, u64) = ctx.config.get("kept").await?.unwrap();
        assert_eq!((none, some, large), (None, -0.5, u64::MAX));
        Ok(())
    })
    .await;
    assert_eq!(host.config("k"), None);
    let error = host.invoke("odd", vec![]).await.unwrap_err();
    assert!(error.message.contains("result[0] is NaN"), "{error}");
}

#[tokio::test]
async fn sign_in_and_airline_are_read_afresh_at_each_call() {
    let airline =
        Airline { id: "va".into(), base_url: "https://va.example".into(), token: Some("t1".into()) };
    let setup = Setup::new("p").airline(airline.clone()).airline_api(|request| RequestResult {
        status: 200,
        headers: Default::default(),
        body: json!({ "asked": request.path, "by": request.method }),
    });
    let host = started(setup, |ctx| async move {
        ctx.ipc.handle("who", {
            let ctx = ctx.clone();
            move |_| {
                let ctx = ctx.clone();
                async move {
                    let signed_in = ctx.auth.is_authenticated().await?;
                    let token = ctx.auth.get_token().await?;
                    let airline = ctx.airline.get_current().await?.map(|airline| airline.id);
                    Ok(json!([signed_in, token, airline]))
                }
            }
        });
        let answer = ctx.airline.create_client().get("/pilot").await?;
        assert_eq!(answer.body, json!({ "asked": "/pilot", "by": "GET" }));
        assert_eq!(ctx.airline.refresh(None).await?, "t1");
        Ok(())
    })
    .await;
    assert_eq!(host.invoke("who", vec![]).await.unwrap(), json!([false, null, "va"]));
    host.set_token(Some("secret")).unwrap();
    host.set_airline(None).unwrap();
    assert_eq!(host.invoke("who", vec![]).await.unwrap(), json!([true, "secret", null]));
}

#[tokio::test]
async fn a_database_is_a_file_in_the_data_folder_and_nowhere_else() {
    started(Setup::new("p"), |ctx| async move {
        let db = ctx.database.open("reports.db").await?;
        db.execute_batch("create table r (n integer); insert into r values (7)")?;
        let n: i64 = db.query_row("select n from r", [], |row| row.get(0))?;
        assert_eq!(n, 7);
        assert!(ctx.database.path("reports.db").await?.starts_with(ctx.data_dir()));
        for outside in ["../other.db", "/etc/passwd", "a/b.db", ".hidden", "", "x.db-wal"] {
            let refused = ctx.database.path(outside).await;
            assert!(matches!(refused, Err(CallError::InvalidName(_))), "{outside}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_database_grows_as_far_as_the_host_allows_and_the_error_beyond_names_the_quota() {
    const ROOM: u64 = 64 << 10;
    let host = started(Setup::new("p").database_bytes(ROOM), |ctx| async move {
        let handler = ctx.clone();
        ctx.ipc.handle("fill", move |_| {
            let ctx = handler.clone();
            async move {
                let db = ctx.database.open("full.db").await?;
                db.execute_batch("create table if not exists r (b blob)")?;
                for _ in 0..64 {
                    db.execute("insert into r values (zeroblob(4000))", [])?;
                }
                Ok(Value::Null)
            }
        });
        ctx.config.set("file", &ctx.database.path("full.db").await?).await?;
        Ok(())
    })
    .await;
    let full = host.invoke("fill", vec![]).await.unwrap_err();
    assert!(full.message.contains("database or disk is full"), "{}", full.message);
    assert!(full.message.contains("`limits.data`"), "{}", full.message);
    let file = host.config("file").unwrap();
    let file = file.as_str().unwrap();
    // As a plugin names it, which has no rusqlite of its own: two versions could not be linked.
    let db = outboard_plugin::rusqlite::Connection::open(file).unwrap();
    let pages: i64 = db.query_row("pragma page_count", [], |row| row.get(0)).unwrap();
    assert!((8..=16).contains(&pages), "{pages} pages: it grew, and no further than it may");
    db.execute("delete from r", []).unwrap();
    drop(db);
    // What was deleted is room again.
    let again = host.invoke("fill", vec![]).await.unwrap_err();
    assert!(again.message.contains("`limits.data`"), "{}", again.message);
    assert!(std::fs::metadata(file).unwrap().len() <= ROOM);
}

#[tokio::test]
async fn a_log_record_keeps_level_tag_message_and_extra() {
    let host = started(Setup::new("p"), |ctx| async move {
        ctx.logger.log(LogLevel::Warn, "Poll", "slow", Some(json!({ "ms": 900 })));
        let io = std::io::Error::other("disk on fire");
        ctx.logger.error_from("Save", "not saved", &io);
        Ok(())
    })
    .await;
    let slow = host.logged("slow").await.unwrap();
    assert_eq!(
        (slow.level, slow.tag.as_str(), slow.extra),
        (LogLevel::Warn, "Poll", Some(json!({ "ms": 900 })))
    );
    let saved = host.logged("not saved").await.unwrap();
    assert_eq!(saved.extra.unwrap()["message"], "disk on fire");
}

#[tokio::test]
async fn a_value_that_cannot_be_json_costs_a_log_record_its_extra_alone() {
    struct Stubborn;
    impl serde::Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let host = started(Setup::new("p"), |ctx| async move {
        ctx.logger.log(LogLevel::Info, "t", "kept", Some(Stubborn));
        let refused = ctx.config.set("k", &Stubborn).await;
        assert!(matches!(refused, Err(CallError::Unwritable { .. })));
        Ok(())
    })
    .await;
    assert!(host.logged("kept").await.unwrap().extra.is_some());
}

#[tokio::test]
async fn a_flood_of_records_never_blocks_and_admits_what_it_dropped() {
    let host = started(Setup::new("p"), |ctx| async move {
        let line = "x".repeat(1000);
        // Without an await in between nothing can be written, so the queue must overflow.
        for _ in 0..5000 {
            ctx.logger.info("flood", &line);
        }
        ctx.config.set("calls", "still work").await?;
        ctx.logger.info("flood", "after");
        Ok(())
    })
    .await;
    host.logged("after").await.unwrap();
    let logs = host.logs();
    let kept = logs.iter().filter(|record| record.tag == "flood").count();
    let admitted = logs.iter().find(|record| record.tag == "logger").expect("it admits the loss");
    let dropped: usize = admitted.message.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(kept + dropped, 5001);
}

#[tokio::test]
async fn a_frame_over_the_limit_is_refused_before_it_is_sent() {
    started(Setup::new("p"), |ctx| async move {
        let refused = ctx.config.set("big", &"x".repeat(9 * 1024 * 1024)).await;
        assert!(matches!(refused, Err(CallError::TooLarge { .. })), "{refused:?}");
        ctx.config.set("small", &1).await.map_err(Failure::from)
    })
    .await;
}

/// From several threads, where one caller can take the room that another has just seen.
#[tokio::test]
async fn calls_that_together_are_more_than_the_queue_holds_all_get_their_turn() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let (done, mut outcomes) = tokio::sync::mpsc::channel(24);
        for n in 0..24 {
            let (ctx, done, runtime) = (ctx.clone(), done.clone(), tokio::runtime::Handle::current());
            std::thread::spawn(move || {
                let value = "x".repeat(900 * 1024);
                let outcome = runtime.block_on(ctx.config.set(&format!("key{n}"), &value));
                let _ = done.try_send(outcome);
            });
        }
        drop(done);
        while let Some(outcome) = outcomes.recv().await {
            outcome?;
        }
        Ok(())
    });
    let host = Host::start(plugin).await.unwrap();
    assert!((0..24).all(|n| host.config(&format!("key{n}")).is_some()));
}
