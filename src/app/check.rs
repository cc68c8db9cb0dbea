//! `milepost check`: are the files that steer the server right? Says what is in them, where they are wrong and what is
//! odd; with `--history`, what they would have changed in workflows that are there.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;

use super::definitions;
use super::serve;
use super::settings::Settings;
use crate::api;
use crate::domain::{Definitions, Files, Preview, Rulebook};
use crate::engine::Engine;
use crate::replay::Targets;

/// How far back to look, and at whose workflows.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckSettings {
    /// Also say what these definitions would have changed in the workflows of so many days: 30d. Of a running server
    /// (--url and --key), or of a data folder that no server is using (--data-dir and --tenant).
    #[arg(long, value_name = "TIME", value_parser = crate::simulate::span)]
    pub history: Option<TimeDelta>,
    /// Address of a running server, whose definitions in force are compared with these.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Key that may act, from `milepost key create --tenant TENANT --operate`.
    #[arg(long, env = "MILEPOST_OPERATE_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// With --data-dir: whose workflows.
    #[arg(long)]
    pub tenant: Option<String>,
    /// With --data-dir: folder with the definitions in force until now; the shipped ones without it.
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
}

/// Checks everything and reports; an error when anything is wrong.
pub async fn check(
    settings: &Settings,
    asked: &CheckSettings,
    own_folder: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    let files = definitions::files(&settings.server.definitions);
    let read = files.and_then(|files| definitions::rulebook(&files).map(|book| (files, book)));
    let read = match read {
        Ok((files, book)) => {
            tell(&files, &book, out)?;
            match definitions::targets(&files) {
                Ok(targets) => {
                    aim(&book, &targets, out)?;
                    wrong.extend(definitions::unaimed(&files, &book, &targets).iter().map(ToString::to_string));
                }
                Err(error) => wrong.push(format!("{error:#}")),
            }
            Some((files, book))
        }
        Err(error) => {
            wrong.push(format!("{error:#}"));
            None
        }
    };
    match definitions::texts(&settings.server) {
        Ok(texts) => {
            match definitions::contracts(&texts) {
                Ok(contracts) => writeln!(out, "contracts: {} event types", contracts.types().count())?,
                Err(error) => wrong.push(error.to_string()),
            }
            match definitions::mapping(&settings.server, &texts) {
                Ok(_) if settings.server.mapping.is_empty() => writeln!(out, "mapping: none")?,
                Ok(_) => writeln!(out, "mapping: {}", settings.server.mapping)?,
                Err(error) => wrong.push(error.to_string()),
            }
        }
        Err(error) => wrong.push(format!("{error:#}")),
    }
    if let Err(error) = serve::loopback(&settings.server) {
        wrong.push(error.to_string());
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    writeln!(out, "all right")?;
    if let (Some(history), Some((files, book))) = (asked.history, read) {
        let days = u32::try_from((history.num_hours() + 23) / 24).unwrap_or(u32::MAX);
        let preview = if own_folder {
            of_folder(settings, asked, &book, days).await?
        } else {
            of_server(asked, &files, days).await?
        };
        explain(&preview, days, out)?;
    }
    Ok(())
}

fn tell(files: &Files, book: &Rulebook, out: &mut impl Write) -> anyhow::Result<()> {
    let line = |definitions: &Definitions, out: &mut dyn Write, of: &str| -> anyhow::Result<()> {
        for d in definitions.iter() {
            let versions = definitions.versions(&d.key);
            let older: Vec<String> = versions.iter().skip(1).map(|v| format!("v{}", v.version)).collect();
            let older = if older.is_empty() { String::new() } else { format!(", {} kept", older.join(", ")) };
            writeln!(
                out,
                "definition {} v{}{of}: root {}, {} milestones, {} SLAs{older}",
                d.key,
                d.version,
                d.root,
                d.milestones.len(),
                d.slas.len()
            )?;
            for warning in versions.iter().flat_map(|v| &v.warnings) {
                writeln!(out, "  warning: {warning}")?;
            }
        }
        Ok(())
    };
    line(book.everybody(), out, "")?;
    for calendar in book.everybody().calendars.iter() {
        let days = calendar.special.len();
        writeln!(out, "calendar {}: {}, {days} special days", calendar.key, calendar.zone_name())?;
    }
    for odd in &book.everybody().odd {
        writeln!(out, "  warning: {odd}")?;
    }
    for tenant in files.tenants() {
        line(book.of(&tenant), out, &format!(" of {tenant}"))?;
        for (file, differences) in book.differences(&tenant).into_iter().flatten() {
            for d in differences {
                let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
                writeln!(out, "  {file}: {} is {}, was {}", d.field, said(&d.own), said(&d.base))?;
            }
        }
    }
    Ok(())
}

fn aim(book: &Rulebook, targets: &Targets, out: &mut impl Write) -> anyhow::Result<()> {
    for target in targets.all() {
        let whose = match (&target.own, target.tenants.as_slice()) {
            (Some(tenant), _) => format!(" of {tenant}"),
            (None, []) => String::new(),
            (None, some) => format!(" for {}", some.join(", ")),
        };
        writeln!(out, "target {}{whose}: {} {}", target.key, target.method, target.url)?;
    }
    for action in &book.everybody().actions {
        writeln!(out, "action {}: about each {}, to {}", action.key, action.about, action.target)?;
    }
    Ok(())
}

async fn of_folder(settings: &Settings, asked: &CheckSettings, book: &Rulebook, days: u32) -> anyhow::Result<Preview> {
    let tenant = asked.tenant.as_deref().context("whose workflows? Say --tenant TENANT")?;
    let against = asked.against.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default();
    let now = definitions::rulebook(&definitions::files(&against)?).context("the definitions in force until now")?;
    super::transfer::free(&settings.server.data_dir)?;
    let engine = match settings.server.clickhouse_url.is_empty() {
        true => Some(Engine::start(settings.engine.clone()).await?),
        false => None,
    };
    let since = Utc::now() - TimeDelta::days(i64::from(days));
    let done = async {
        let store = serve::store(settings, engine.as_ref())?;
        store.migrate().await?;
        anyhow::Ok(api::definitions::compare(&store, tenant, now.of(tenant), book.of(tenant), since).await?)
    }
    .await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    done
}

async fn of_server(asked: &CheckSettings, files: &Files, days: u32) -> anyhow::Result<Preview> {
    let body = serde_json::json!({"files": files.iter().collect::<std::collections::BTreeMap<_, _>>(), "days": days});
    let answer =
        super::definition::post(&asked.url, asked.key.as_deref(), "/api/v1/definitions/preview", &body).await?;
    Ok(Preview::deserialize(&answer)?)
}

fn explain(preview: &Preview, days: u32, out: &mut impl Write) -> anyhow::Result<()> {
    let more = if preview.cut { ", the newest of more" } else { "" };
    writeln!(
        out,
        "of {} workflows of the last {days} days{more}, {} would be otherwise",
        preview.workflows, preview.changed
    )?;
    for shift in &preview.changes {
        let word = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        writeln!(
            out,
            "  {:>6}  {} {}: {} instead of {}, for example {}",
            shift.count,
            shift.definition,
            shift.what,
            word(&shift.to),
            word(&shift.from),
            shift.examples.join(", ")
        )?;
    }
    Ok(())
}
