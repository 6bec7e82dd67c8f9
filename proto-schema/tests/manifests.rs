//! Manifests: both forms of the original, our own key, and errors that name the line.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_protocol::manifest::{HttpListen, MANIFEST_MAX, Run, RunProtocol, Wire, mistakes, parse};
use serde_json::json;

const WHOLE: &str = r#"{
  "id": "landing-log",
  "name": "Landing log",
  "version": "1.2.3",
  "description": "d", "type": "user", "author": {"id": "a", "name": "A"},
  "icon_light": "l.svg", "icon_dark": "d.svg",
  "availableSettings": [
    {"key": "units", "name": "Units", "type": "list", "options": ["ft", "m"], "default": "ft", "new": 1}
  ],
  "homepage": "https://example.org"
}"#;

fn refused(text: &str) -> (usize, String) {
    let error = parse(text.as_bytes()).expect_err("it is refused");
    (error.line, error.message)
}

#[test]
fn a_whole_manifest_has_no_warnings_and_keeps_unknown_keys() {
    let manifest = parse(WHOLE.as_bytes()).unwrap();
    assert_eq!(manifest.warnings, [""; 0]);
    assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), ("landing-log", "1.2.3"));
    assert_eq!(manifest.other["homepage"], "https://example.org");
    let setting = &manifest.available_settings[0];
    assert_eq!((setting.default.clone(), &setting.other["new"]), (Some(json!("ft")), &json!(1)));
}

#[test]
fn id_name_and_version_suffice_and_the_rest_is_warned_about() {
    let manifest = parse(br#"{"id":"a","name":"A","version":"0.1.0"}"#).unwrap();
    let [store] = manifest.warnings.as_slice() else { panic!("{:?}", manifest.warnings) };
    assert!(
        ["description", "type", "author", "icon_light", "icon_dark"].iter().all(|key| store.contains(key))
    );
    assert!(manifest.run.is_none() && manifest.background.is_none());
    assert!(manifest.http.replay && !manifest.http.strip_prefix);
}

#[test]
fn the_older_background_key_and_our_run_key_are_read() {
    let older =
        br#"{"id":"a","name":"A","version":"1.0.0","background":{"entryModule":"background/index.ts"}}"#;
    assert_eq!(parse(older).unwrap().background.unwrap().entry_module, "background/index.ts");
    let ours = br#"{"id":"a","name":"A","version":"1.0.0","wire":"fd","http":{"listen":"path","stripPrefix":true},
        "run":{"command":["./bin/p","--flag"],"protocol":"none"},"limits":{"memory":1000000,"openFiles":64}}"#;
    let manifest = parse(ours).unwrap();
    let command = vec!["./bin/p".to_owned(), "--flag".to_owned()];
    assert_eq!(manifest.run, Some(Run { command, protocol: RunProtocol::None }));
    assert_eq!((manifest.wire, manifest.http.listen), (Wire::Fd, HttpListen::Path));
    assert_eq!((manifest.limits.memory, manifest.limits.open_files), (Some(1_000_000), Some(64)));
}

#[test]
fn an_error_names_the_line_and_what_is_wrong_there() {
    for (text, line, words) in [
        ("", 1, "empty"),
        ("  \n\n", 1, "empty"),
        ("not json", 1, "expected"),
        ("{\n  \"id\": \"a\",\n  \"name\": \"A\"\n}", 1, "version"),
        ("\n\n{\n  \"name\": \"A\",\n  \"version\": \"1.0.0\"\n}", 3, "id"),
        ("{\n  \"id\": \"Bad Id\",\n  \"name\": \"A\", \"version\": \"1.0.0\"\n}", 2, "lower-case"),
        ("{\n  \"id\": \"config\",\n  \"name\": \"A\", \"version\": \"1.0.0\"\n}", 2, "belongs to the shell"),
        ("{\n  \"id\": \"a\",\n  \"name\": \"A\",\n  \"version\": \"1.x\"\n}", 4, "unexpected"),
        ("{\n  \"id\": \"a\",\n  \"name\": \"\",\n  \"version\": \"1.0.0\"\n}", 3, "`name` is empty"),
        (
            "{\n \"id\":\"a\",\n \"name\":\"A\",\n \"version\":\"1.0.0\",\n \"run\": {\n  \"command\": []\n }\n}",
            6,
            "run.command",
        ),
        (
            "{\n \"id\":\"a\",\n \"name\":\"A\",\n \"version\":\"1.0.0\",\n \"run\": {\"command\": [\"x\"],\n \"shell\": true}\n}",
            6,
            "shell",
        ),
        ("{\n \"id\":\"a\",\n \"name\":\"A\",\n \"version\":\"1.0.0\",\n \"wire\": \"tcp\"\n}", 5, "tcp"),
        (
            "{\n \"id\":\"a\",\n \"name\":\"A\",\n \"version\":\"1.0.0\",\n \"http\": {\n  \"listen\": \"port\"}\n}",
            6,
            "`run.protocol` \"none\"",
        ),
        ("{\n \"id\":\"a\",\n \"id\":\"b\",\n \"name\":\"A\", \"version\":\"1.0.0\"\n}", 3, "duplicate"),
        ("{\n \"id\":\"a\",\n \"name\":\"A\",\n \"version\":\"1.0.0\",\n}", 5, "trailing comma"),
    ] {
        let (at, message) = refused(text);
        assert_eq!(at, line, "{text}: {message}");
        assert!(message.contains(words), "{text}: {message}");
    }
}

#[test]
fn a_setting_that_makes_no_sense_costs_that_setting_alone() {
    let manifest = parse(
        br#"{"id":"a","name":"A","version":"1.0.0","availableSettings":[
            {"key":"ok","type":"boolean"},{"key":"ok","type":"text"},{"key":"","type":"text"},{"type":"text"},
            {"key":"odd","type":"colour"},7]}"#,
    )
    .unwrap();
    assert_eq!(manifest.available_settings.len(), 1);
    assert_eq!(manifest.warnings.iter().filter(|text| text.contains("availableSettings[")).count(), 5);
    let none = parse(br#"{"id":"a","name":"A","version":"1.0.0","availableSettings":"x"}"#).unwrap();
    assert!(none.available_settings.is_empty());
    assert!(none.warnings.iter().any(|text| text.contains("array")));
}

#[test]
fn a_byte_order_mark_is_no_error_and_a_huge_file_is() {
    assert!(parse(format!("\u{feff}{WHOLE}").as_bytes()).is_ok());
    let huge = format!("{}{WHOLE}", " ".repeat(MANIFEST_MAX));
    assert!(refused(&huge).1.contains("at most"));
    assert!(parse(b"\xff\xfe{").is_err());
}

#[test]
fn sizes_among_the_limits_are_numbers_of_bytes_or_texts_with_a_unit() {
    let with = |limits: &str| {
        parse(
            format!("{{\"id\":\"p\",\"name\":\"P\",\"version\":\"1.0.0\",\n\"limits\":{{{limits}}}}}")
                .as_bytes(),
        )
    };
    for (written, bytes) in
        [("268435456", 268_435_456), ("\"256MiB\"", 268_435_456), ("\"1 GiB\"", 1 << 30), ("\"512\"", 512)]
    {
        let limits = with(&format!("\"memory\":{written},\"fileSize\":{written}")).unwrap().limits;
        assert_eq!((limits.memory, limits.file_size), (Some(bytes), Some(bytes)), "{written}");
    }
    assert_eq!(with("\"memory\":null").unwrap().limits.memory, None);
    for wrong in ["\"much\"", "\"1.5GiB\"", "\"-1MiB\"", "-1", "1.5", "\"99999999999GiB\"", "true", "[1]"] {
        let error = with(&format!("\"memory\":{wrong}")).unwrap_err();
        assert_eq!(error.line, 2, "{wrong}: {error}");
        assert!(error.message.contains("`limits.memory` ought to be a number of bytes"), "{wrong}: {error}");
    }
    assert!(with("\"openFiles\":\"1KiB\"").is_err(), "what is not a size takes no unit");
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_a_right_manifest_has_none() {
    assert_eq!(mistakes(WHOLE.as_bytes()), []);
    let text = r#"{
  "id": "Not An Id",
  "version": "1",
  "run": {
    "command": ["a", 5],
    "comand": ["b"],
    "protocol": "None"
  },
  "http": {"listen": "prot", "stripPrefix": "yes"},
  "limits": {"memory": true}
}"#;
    let found = mistakes(text.as_bytes());
    let wanted = [
        (1, "missing field `name`"),
        (2, "`id`"),
        (3, "`version` ought to be three numbers"),
        (5, "`run.command[1]` ought to be a list of texts"),
        (6, "unknown field `comand`"),
        (7, "`run.protocol` ought to be"),
        (9, "`http.listen` ought to be"),
        (9, "`http.stripPrefix` ought to be true or false"),
        (10, "`limits.memory` ought to be a number of bytes"),
    ];
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (mistake, (line, words)) in found.iter().zip(wanted) {
        assert_eq!(mistake.line, line, "{mistake}");
        assert!(mistake.message.contains(words), "{mistake}");
    }
    // What stops at the first tells one of them.
    let (line, message) = refused(text);
    assert!(
        found.iter().any(|mistake| mistake.line == line && mistake.message == message),
        "{line}: {message}"
    );
    let alone = mistakes(br#"{"id":"a","name":" ","version":"1.0.0"}"#);
    assert_eq!(alone.len(), 1, "{alone:?}");
}

#[test]
fn a_key_that_is_like_one_that_is_read_is_told_and_any_other_is_kept_in_silence() {
    let with = |key: &str| {
        let text = format!(r#"{{"id":"a","name":"A","version":"1.0.0","{key}":{{}}}}"#);
        parse(text.as_bytes()).unwrap().misspelt
    };
    for (key, meant) in [
        ("htpp", "http"),
        ("availableSetting", "availableSettings"),
        ("limit", "limits"),
        ("backgrond", "background"),
        ("iconLight", "icon_light"),
        ("Run", "run"),
        ("descripton", "description"),
    ] {
        let said = with(key);
        assert!(said.len() == 1 && said[0].ends_with(&format!("did you mean `{meant}`?")), "{key}: {said:?}");
    }
    for key in ["permissions", "x-mine", "license", "keywords", "repository", "main", "engines", "$comment"] {
        assert_eq!(with(key), Vec::<String>::new(), "{key}");
    }
}

#[test]
fn a_comment_and_a_file_in_utf_16_are_told_as_what_they_are() {
    for text in [
        "{\n // what it is\n \"id\":\"a\"}",
        "{\n /* what */ \"id\":\"a\"}",
        "{\"id\":\"a\",\n \"name\": \"http://a\", // its name\n}",
    ] {
        let (line, message) = refused(text);
        assert_eq!((line, message.as_str()), (2, "JSON has no comments; remove this one"), "{text}");
    }
    assert!(!refused("{\n \"id\": \"http://a\" 5}").1.contains("comments"));
    let wide: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(parse(&wide).unwrap_err().message.contains("UTF-16"));
    assert!(parse(&wide[2..]).unwrap_err().message.contains("UTF-16"));
}

#[test]
fn how_it_is_built_while_it_is_written_is_read_and_what_is_amiss_there_is_a_warning() {
    let with = |dev: &str| {
        let text = format!(r#"{{"id":"a","name":"A","version":"0.1.0","dev":{dev}}}"#);
        let manifest = parse(text.as_bytes()).unwrap();
        assert!(mistakes(text.as_bytes()).is_empty(), "{dev}: it runs all the same");
        (manifest.dev, manifest.warnings.last().cloned().unwrap(), manifest.other)
    };
    let (dev, _, other) =
        with(r#"{"build":["npm","run","build"],"dir":"dist","watch":["src"],"ignore":["made"]}"#);
    let dev = dev.unwrap();
    assert_eq!(
        (dev.build.unwrap().join(" "), dev.dir.as_deref()),
        ("npm run build".to_owned(), Some("dist"))
    );
    assert_eq!((dev.watch.join(" "), dev.ignore.join(" ")), ("src".to_owned(), "made".to_owned()));
    assert!(!other.contains_key("dev"));
    for (wrong, said) in [
        (r#"{"biuld":["make"]}"#, "`dev.biuld` is not a key of it; did you mean `build`?"),
        (r#"{"colour":1}"#, "it has `build`, `dir`, `watch` and `ignore`"),
        (r#"{"build":"make"}"#, "expected a sequence"),
        (r#"{"build":[]}"#, "`dev.build` is empty"),
        (r#"{"dir":"../x"}"#, "`dev.dir` names \"../x\"; give a path within the plugin's folder"),
        (r#"{"watch":["/etc"]}"#, "`dev.watch` names"),
        ("true", "it is an object such as"),
    ] {
        let (dev, warning, other) = with(wrong);
        assert!(dev.is_none() && other.contains_key("dev"), "{wrong}");
        assert!(warning.starts_with("`dev` is ignored: ") && warning.contains(said), "{wrong}: {warning}");
    }
}

#[test]
fn a_service_is_named_alone_or_with_the_shells_paths_that_come_with_it() {
    let with = |provides: &str| {
        parse(
            format!("{{\"id\":\"a\",\"name\":\"A\",\"version\":\"0.1.0\",\n\"provides\":{provides}}}")
                .as_bytes(),
        )
    };
    let provided = with(
        r#"["acme.billing", {"service":"flight","prefixes":["/api/config","/api/auth/va"]}, {"service":"b"}]"#,
    )
    .unwrap()
    .provides;
    let told: Vec<_> = provided.iter().map(|one| (one.service.as_str(), one.prefixes.len())).collect();
    assert_eq!(told, [("acme.billing", 0), ("flight", 2), ("b", 0)]);
    let written = serde_json::to_value(&provided).unwrap();
    assert_eq!(
        written,
        serde_json::json!(["acme.billing", {"service":"flight","prefixes":["/api/config","/api/auth/va"]}, "b"])
    );
    for (wrong, said) in [
        (
            r#"[{"service":"flight","prefixes":["/api/a"]}]"#,
            "prefix \"/api/a\" is not one of the shell's, which are /api/auth, /api/config",
        ),
        (r#"[{"service":"flight","prefixes":["/loadsheet"]}]"#, "registers any other with ctx.server alone"),
        (r#"[{"service":"flight","prefix":["/api/config"]}]"#, "unknown field `prefix`"),
        (r#"[{"prefixes":["/api/config"]}]"#, "missing field `service`"),
        (r#"["b", {"service":"b","prefixes":["/api/config"]}]"#, "`provides` names the service b twice"),
        (r#"["Flight"]"#, "use lower-case letters and digits"),
        (r#"["ok", 5]"#, "`provides[1]` ought to be a service, such as \"acme.billing\""),
    ] {
        let error = with(wrong).unwrap_err();
        assert!(error.line == 2 && error.message.contains(said), "{wrong}: {error}");
        assert!(error.message.contains("`provides"), "{wrong}: {error}");
    }
}
