//! The examples of `docs/administration.md`, in their order: each does what the text says.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::support::Setup;

/// The curl commands of the handbook, each in one line.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/administration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let joined: String = blocks.map(|block| block.replace("\\\n", " ")).collect();
    joined.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// The words of a command as a shell would find them; variables are put in within double quotes.
fn words(command: &str, url: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    words.push(word);
    words.into_iter().map(|word| word.replace("$URL", url).replace("$TOKEN", "t")).collect()
}

#[tokio::test]
async fn each_command_of_the_handbook_succeeds_against_a_new_service() {
    let service = Setup::new().await.serve().await;
    let mut statuses = Vec::new();
    for command in commands() {
        let words = words(&command, &service.url);
        let mut words = words.iter().map(String::as_str);
        assert_eq!(words.next(), Some("curl"));
        let (mut method, mut url, mut body, mut headers) = (Method::GET, None, "", Vec::new());
        while let Some(word) = words.next() {
            match word {
                "-X" => method = words.next().unwrap().parse().unwrap(),
                "-H" => headers.push(words.next().unwrap().split_once(": ").unwrap()),
                "-d" => body = words.next().unwrap(),
                word if word.starts_with("https://") => url = Some(word),
                word => panic!("{word:?} in {command}"),
            }
        }
        let path = url.unwrap().strip_prefix(&service.url).unwrap();
        let mut request = service.request(method, path).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert!((200..300).contains(&status), "{command}: {status} {text}");
        if !text.is_empty() {
            let _: Value = serde_json::from_str(&text).unwrap();
        }
        statuses.push(status);
    }
    assert_eq!(statuses[0], 201);
    assert!(statuses.len() >= 18, "{}", statuses.len());
}
