//! `milepost check`: are the files that steer the server right? Says what is in them, or where they are wrong.

use std::io::Write;

use super::definitions;
use super::settings::Settings;

/// Checks everything and reports; an error when anything is wrong.
pub fn check(settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    let read = definitions::files(&settings.server.definitions).and_then(|files| definitions::rulebook(&files));
    match read {
        Ok(book) => {
            for d in book.everybody().iter() {
                writeln!(
                    out,
                    "definition {} v{}: root {}, {} milestones, {} SLAs",
                    d.key,
                    d.version,
                    d.root,
                    d.milestones.len(),
                    d.slas.len()
                )?;
                for odd in &d.warnings {
                    writeln!(out, "warning: {odd}")?;
                }
            }
            for c in book.everybody().calendars.iter() {
                writeln!(out, "calendar {}: {}, {} special days", c.key, c.zone_name(), c.special.len())?;
            }
            for odd in &book.everybody().odd {
                writeln!(out, "warning: {odd}")?;
            }
        }
        Err(error) => wrong.push(error.to_string()),
    }
    match definitions::contracts(&settings.server) {
        Ok(contracts) => writeln!(out, "contracts: {} event types", contracts.types().count())?,
        Err(error) => wrong.push(error.to_string()),
    }
    match definitions::mapping(&settings.server) {
        Ok(_) if settings.server.mapping.is_empty() => writeln!(out, "mapping: none")?,
        Ok(_) => writeln!(out, "mapping: {}", settings.server.mapping)?,
        Err(error) => wrong.push(error.to_string()),
    }
    if let Err(error) = super::serve::loopback(&settings.server) {
        wrong.push(error.to_string());
    }
    if wrong.is_empty() {
        writeln!(out, "all right")?;
        Ok(())
    } else {
        anyhow::bail!("{}", wrong.join("\n"))
    }
}
