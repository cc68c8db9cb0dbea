//! The command line.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use tokio_util::sync::CancellationToken;

use super::check::CheckSettings;
use super::definition::DefinitionCommand;
use super::settings::Settings;
use super::{check, definition, demo, progress, serve, telemetry, transfer};
use crate::access::{Grant, Keys};
use crate::engine::Engine;
use crate::simulate::{self, SimulateSettings};
use crate::tail::{self, TailSettings};
use crate::transfer::import::ImportSettings;

pub fn command() -> Command {
    let config = Arg::new("config")
        .long("config")
        .short('c')
        .value_name("FILE")
        .env("MILEPOST_CONFIG")
        .value_parser(clap::value_parser!(PathBuf))
        .help("File with settings; milepost.toml in the current folder when there is one");
    let with_settings = |command: Command| command.arg(config.clone()).args(Settings::args());
    // Commands with options of their own take all settings too, but their help shows them only where they matter.
    let quiet_settings = |command: Command| {
        let hide = |arg: Arg| if arg.get_id() == "data_dir" { arg } else { arg.hide(true) };
        command.arg(config.clone()).args(Settings::args().into_iter().map(hide))
    };
    let data_dir =
        Arg::new("data_dir").long("data-dir").value_name("DIR").default_value("data").help("Data folder of the server");
    Command::new("milepost")
        .about("Where every business transaction is, what blocks it, and what is ready to invoice.")
        .long_about(
            "Milepost follows business transactions across ERP, WMS, TMS and billing systems. It takes in OTLP and JSON \
             business events, correlates orders, shipments, loads, charges and invoices into workflows in ClickHouse, and \
             shows on live pages where each one is and what blocks it.",
        )
        .after_help(
            "First steps:\n  milepost demo                                         see it with simulated traffic\n  \
             milepost key create --tenant acme --source erp/main   make a key to send with\n  \
             milepost serve                                        run the server on 127.0.0.1:8080\n\n\
             Every setting of serve is a flag, a key in milepost.toml and an environment variable:\n  \
             --receive-body-bytes N   [receive] body_bytes = N   MILEPOST_RECEIVE_BODY_BYTES=N",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand(with_settings(Command::new("serve").about("Run the server").long_about(
            "Run the server: pages, API and events on one port, OTLP over gRPC and HTTP on two more. Prints one JSON line \
             with the bound addresses on standard output when ready; logs go to standard error.",
        )))
        .subcommand(
            demo::Traffic::augment_args(with_settings(Command::new("demo")))
                .about("Run a server with a week of history and live traffic")
                .long_about(
                    "Run a server in a temporary folder (or in --data-dir), load a week of history through its public ports, and \
                     go on with live traffic of a simulated ERP, WMS, TMS and billing system.",
                ),
        )
        .subcommand(
            SimulateSettings::augment_args(Command::new("simulate"))
                .about("Be an ERP, a WMS, a TMS and a billing system that talk to a server's public ports")
                .long_about(
                    "Be an ERP, a WMS, a TMS, a billing system and the middleware between them: each talks to a server's public \
                     ports over its own protocol and knows only its own ids. The same seed tells the same stories.",
                ),
        )
        .subcommand(
            CheckSettings::augment_args(with_settings(Command::new("check")))
                .about("Check settings, definitions, contracts and the mapping, and say what is in them")
                .long_about(
                    "Check settings, definitions, contracts and the mapping: says what is in them, what is wrong with its file, line \
                     and column, and what is odd. With --history it also says what the definitions would have changed in the \
                     workflows that are there.",
                ),
        )
        .subcommand(
            DefinitionCommand::augment_subcommands(Command::new("definition"))
                .about("Show a server's definitions, and migrate workflows to another version")
                .subcommand_required(true)
                .arg_required_else_help(true),
        )
        .subcommand(
            ImportSettings::augment_args(quiet_settings(Command::new("import")))
                .about("Bring files of events to a server, or into a data folder")
                .long_about(
                    "Bring files of events to a running server (--url and --key), or into a data folder that no server is using \
                     (--data-dir and --tenant). NDJSON, JSON arrays, OCEL 2.0 JSON, and CSV with a map of its columns. An event that \
                     is known already counts as duplicate. What is refused is written beside the file with its line and reason, and \
                     the rest goes on. Run the same command again after an interruption: it goes on where it ended.",
                ),
        )
        .subcommand(
            transfer::ExportSettings::augment_args(quiet_settings(Command::new("export")))
                .about("Write a tenant's events into a file")
                .long_about(
                    "Write a tenant's events into a file, from a running server (--url and --key) or from a data folder that no \
                     server is using (--data-dir and --tenant): as NDJSON that imports again, as CSV, or as OCEL 2.0 JSON for process \
                     mining.",
                ),
        )
        .subcommand(with_settings(Command::new("migrate").about("Bring the store's tables up to this version")))
        .subcommand(
            Command::new("key")
                .about("Make, list and revoke the keys of senders and readers")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(
                    Command::new("create")
                        .about("Make a key and print it, once")
                        .arg(data_dir.clone())
                        .arg(Arg::new("tenant").long("tenant").required(true).value_name("TENANT").help("Whose data it is"))
                        .arg(
                            Arg::new("source")
                                .long("source")
                                .value_name("SOURCE")
                                .required_unless_present_any(["read", "operate"])
                                .conflicts_with_all(["read", "operate"])
                                .help("The system that sends with it, for example wms/east-2"),
                        )
                        .arg(Arg::new("read").long("read").action(ArgAction::SetTrue).help("To read the API instead of sending"))
                        .arg(
                            Arg::new("operate")
                                .long("operate")
                                .action(ArgAction::SetTrue)
                                .conflicts_with("read")
                                .help("To read the API and to act through it: acknowledge, link, replay, …"),
                        ),
                )
                .subcommand(Command::new("list").about("Show all keys, without their secrets").arg(data_dir.clone()))
                .subcommand(
                    Command::new("revoke")
                        .about("Make a key worthless")
                        .arg(data_dir)
                        .arg(Arg::new("id").required(true).value_name("ID").help("The part of the key between the first two underscores")),
                ),
        )
        .subcommand(
            TailSettings::augment_args(Command::new("tail"))
                .about("Follow a tenant's events in the terminal")
                .long_about("Follow a tenant's events in the terminal, over the websocket of a running server."),
        )
        .subcommand(with_settings(
            Command::new("engine").about("Run the embedded ClickHouse of a data folder alone and print how to reach it"),
        ))
        .subcommand(Command::new("version").about("Print the version"))
}

/// Runs the command that the arguments name.
pub async fn run(matches: ArgMatches) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let (name, matches) = matches.subcommand().context("a subcommand")?;
    match name {
        "serve" => {
            let settings = settings(matches)?;
            stop_on_signal(&shutdown)?;
            serve::serve(settings, shutdown, |bound| {
                let line = serde_json::to_string(bound).unwrap_or_default();
                let mut out = std::io::stdout().lock();
                // Nobody reads the line: no reason not to serve.
                let _ = writeln!(out, "{line}").and_then(|()| out.flush());
                tracing::info!("ready: http://{}", bound.http);
            })
            .await
        }
        "demo" => {
            let settings = settings(matches)?;
            let traffic = demo::Traffic::from_arg_matches(matches)?;
            let keep = matches.value_source("data_dir").is_some();
            let keep = keep || settings.server.data_dir != super::settings::Server::default().data_dir;
            stop_on_signal(&shutdown)?;
            demo::demo(settings, traffic, keep, shutdown).await
        }
        "simulate" => {
            telemetry::start("warn,milepost=info", "")?;
            stop_on_signal(&shutdown)?;
            let told = simulate::run(SimulateSettings::from_arg_matches(matches)?, progress::bar(), shutdown).await?;
            writeln!(
                std::io::stdout(),
                "{} sent, {} accepted, {} duplicates, {} refused",
                told.sent,
                told.accepted,
                told.duplicates,
                told.rejected
            )?;
            Ok(())
        }
        "import" => {
            let settings = settings(matches)?;
            stop_on_signal(&shutdown)?;
            let own_folder = names_folder(matches);
            transfer::import(settings, own_folder, ImportSettings::from_arg_matches(matches)?, shutdown).await
        }
        "export" => {
            let settings = settings(matches)?;
            stop_on_signal(&shutdown)?;
            let own_folder = names_folder(matches);
            transfer::export(settings, own_folder, transfer::ExportSettings::from_arg_matches(matches)?, shutdown).await
        }
        "check" => {
            let asked = CheckSettings::from_arg_matches(matches)?;
            check::check(&settings(matches)?, &asked, names_folder(matches), &mut std::io::stdout()).await
        }
        "definition" => {
            telemetry::start("warn", "")?;
            definition::run(DefinitionCommand::from_arg_matches(matches)?).await
        }
        "migrate" => {
            let settings = settings(matches)?;
            let engine = if settings.server.clickhouse_url.is_empty() {
                Some(Engine::start(settings.engine.clone()).await?)
            } else {
                None
            };
            let done = serve::store(&settings, engine.as_ref())?.migrate().await?;
            let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            writeln!(
                std::io::stdout(),
                "migrations run: {}; retention changed: {}",
                list(&done.applied),
                list(&done.retained)
            )?;
            if let Some(engine) = engine {
                engine.stop().await;
            }
            Ok(())
        }
        "key" => key(matches),
        "tail" => {
            telemetry::start("warn", "")?;
            stop_on_signal(&shutdown)?;
            tail::run(TailSettings::from_arg_matches(matches)?, shutdown).await
        }
        "engine" => {
            let settings = settings(matches)?;
            stop_on_signal(&shutdown)?;
            let engine = Engine::start(settings.engine).await?;
            let (url, user, password) = (engine.url(), engine.user(), engine.password());
            writeln!(std::io::stdout(), "{}", serde_json::json!({"url": url, "user": user, "password": password}))?;
            shutdown.cancelled().await;
            engine.stop().await;
            Ok(())
        }
        _ => Ok(writeln!(std::io::stdout(), "milepost {}", env!("CARGO_PKG_VERSION"))?),
    }
}

/// Whether a data folder is meant, not a server.
fn names_folder(matches: &ArgMatches) -> bool {
    matches.value_source("data_dir") == Some(clap::parser::ValueSource::CommandLine)
}

fn settings(matches: &ArgMatches) -> anyhow::Result<Settings> {
    let named = matches.get_one::<PathBuf>("config").cloned();
    let usual = PathBuf::from("milepost.toml");
    let file = named.or_else(|| usual.exists().then_some(usual));
    let settings = Settings::load(file.as_deref(), matches)?;
    telemetry::start(&settings.server.log, &settings.server.telemetry)?;
    Ok(settings)
}

fn key(matches: &ArgMatches) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let (name, matches) = matches.subcommand().context("a subcommand")?;
    let data_dir = PathBuf::from(matches.get_one::<String>("data_dir").context("a data folder")?);
    match name {
        "create" => {
            std::fs::create_dir_all(&data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
            let tenant = matches.get_one::<String>("tenant").context("a tenant")?;
            let grant = match matches.get_one::<String>("source") {
                Some(source) => Grant::Send { source: source.clone() },
                None if matches.get_flag("operate") => Grant::Operate,
                None => Grant::Read,
            };
            let key = Keys::create(&data_dir, tenant, grant)?;
            writeln!(out, "{key}")?;
        }
        "revoke" => {
            let key = Keys::revoke(&data_dir, matches.get_one::<String>("id").context("an id")?)?;
            writeln!(out, "revoked {} of tenant {}", key.id, key.tenant)?;
        }
        _ => {
            for key in Keys::open(&data_dir)?.list() {
                let grant = match &key.grant {
                    Grant::Send { source } => format!("send as {source}"),
                    Grant::Read => "read".to_owned(),
                    Grant::Operate => "read and operate".to_owned(),
                };
                writeln!(
                    out,
                    "{}\t{}\t{grant}\tcreated {}",
                    key.id,
                    key.tenant,
                    key.created_at.format("%Y-%m-%d %H:%M UTC")
                )?;
            }
        }
    }
    Ok(())
}

/// The first SIGINT or SIGTERM asks for a clean end, the second ends at once.
fn stop_on_signal(shutdown: &CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if shutdown.is_cancelled() {
                std::process::exit(130);
            }
            shutdown.cancel();
        }
    });
    Ok(())
}
