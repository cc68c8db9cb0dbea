//! `milepost definition …`: which definitions a running server goes by, and the migration of workflows to another
//! version of one.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum DefinitionCommand {
    /// Show the definitions that hold, with their versions.
    List(Server),
    /// Take open workflows to another version of their definition. Each keeps the reason, and can be taken back.
    Migrate(Migrate),
}

#[derive(Clone, Debug, clap::Args)]
pub struct Server {
    /// Address of the server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Key that may act, from `milepost key create --tenant TENANT --operate`.
    #[arg(long, env = "MILEPOST_OPERATE_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

#[derive(Clone, Debug, clap::Args)]
pub struct Migrate {
    /// Key of the definition: order-to-cash.
    pub definition: String,
    /// Version to go by from now on; older ones stand in files like order-to-cash@1.toml.
    #[arg(long)]
    pub to: u32,
    /// Why; it stands in the activity of each workflow.
    #[arg(long)]
    pub reason: String,
    /// Only this workflow, by its root: order/SO-10234.
    #[arg(long, value_name = "TYPE/ID")]
    pub root: Option<String>,
    /// Closed workflows too.
    #[arg(long)]
    pub closed: bool,
    #[command(flatten)]
    pub server: Server,
}

pub async fn run(command: DefinitionCommand) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match command {
        DefinitionCommand::List(server) => {
            let answer = ask(&server).await?;
            for item in answer["items"].as_array().into_iter().flatten() {
                let versions: Vec<String> =
                    item["versions"].as_array().into_iter().flatten().map(|v| format!("v{v}")).collect();
                let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                writeln!(out, "{}\t{}\troot {}\t{}", text("key"), versions.join(" "), text("root"), text("title"))?;
            }
            if let Some(fault) = answer["fault"].as_str() {
                bail!("{fault}");
            }
            Ok(())
        }
        DefinitionCommand::Migrate(m) => {
            let path = format!("/api/v1/definitions/{}/migrate", crate::pages::words::encode(&m.definition));
            let body = json!({"to": m.to, "reason": m.reason, "root": m.root, "closed": m.closed});
            let mut migrated = 0;
            loop {
                let answer = post(&m.server.url, m.server.key.as_deref(), &path, &body).await?;
                migrated += answer["migrated"].as_u64().unwrap_or_default();
                if answer["more"] != true {
                    break;
                }
            }
            Ok(writeln!(out, "{migrated} workflows go by version {} of {} from now on", m.to, m.definition)?)
        }
    }
}

async fn ask(server: &Server) -> anyhow::Result<Value> {
    let url = format!("{}/api/v1/definitions", server.url.trim_end_matches('/'));
    answered(reqwest::Client::new().get(url), &server.url, server.key.as_deref()).await
}

/// Asks the API of a running server for something; what it refuses is said in its words.
pub async fn post(url: &str, key: Option<&str>, path: &str, body: &Value) -> anyhow::Result<Value> {
    let request = reqwest::Client::new().post(format!("{}{path}", url.trim_end_matches('/'))).json(body);
    answered(request, url, key).await
}

async fn answered(request: reqwest::RequestBuilder, url: &str, key: Option<&str>) -> anyhow::Result<Value> {
    let key = key.context(
        "a key is needed: --key, or MILEPOST_OPERATE_KEY; `milepost key create --tenant TENANT --operate` makes one",
    )?;
    let answer = request
        .bearer_auth(key)
        .timeout(Duration::from_secs(600))
        .send()
        .await
        .with_context(|| format!("cannot reach {url}"))?;
    let status = answer.status();
    let said: Value = answer.json().await.unwrap_or_default();
    if !status.is_success() {
        let word = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        bail!("the server says {}: {}. {}", status.as_u16(), word("title"), word("detail"));
    }
    Ok(said)
}
