//! Templates: read once, escaped always. Every text that comes from outside passes `escape`.

use std::io::Write;
use std::sync::LazyLock;

use rust_embed::Embed;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera};

use super::assets;
use super::frame::Frame;

#[derive(Embed)]
#[folder = "templates/"]
struct Templates;

static TERA: LazyLock<Result<Tera, String>> = LazyLock::new(load);

fn load() -> Result<Tera, String> {
    let mut tera = Tera::new();
    tera.set_escape_fn(escape);
    tera.autoescape_on([".html", ".svg"]);
    tera.register_function("asset", |args: Kwargs, _: &State| {
        Ok::<_, tera::Error>(assets::url(args.must_get("path")?))
    });
    let texts = Templates::iter()
        .map(|name| {
            let file = Templates::get(&name).ok_or_else(|| format!("{name} is missing"))?;
            let text = String::from_utf8(file.data.into_owned()).map_err(|_| format!("{name} is not UTF-8"))?;
            Ok((name.into_owned(), text))
        })
        .collect::<Result<Vec<_>, String>>()?;
    tera.add_raw_templates(texts).map_err(|error| error.to_string())?;
    Ok(tera)
}

/// What went wrong while rendering; a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("{template}: {reason}")]
pub struct RenderError {
    template: String,
    reason: String,
}

/// A page: its template, and what it shows.
pub trait Page: Serialize {
    const TEMPLATE: &'static str;
}

/// The whole page, or when the live script asks only what stands between the landmarks.
pub fn page<P: Page>(frame: &Frame, page: &P, piece: bool) -> Result<String, RenderError> {
    let fault = |reason: String| RenderError { template: P::TEMPLATE.into(), reason };
    let tera = TERA.as_ref().map_err(|reason| fault(reason.clone()))?;
    let mut context = Context::from_serialize(page).map_err(|error| fault(error.to_string()))?;
    context.insert("frame", frame);
    let done =
        if piece { tera.render_block(P::TEMPLATE, "content", &context) } else { tera.render(P::TEMPLATE, &context) };
    done.map_err(|error| fault(chain(&error)))
}

/// Only the rail and the bar of a phone, with their counts.
pub fn rail(frame: &Frame) -> Result<String, RenderError> {
    let fault = |reason: String| RenderError { template: "rail.html".into(), reason };
    let tera = TERA.as_ref().map_err(|reason| fault(reason.clone()))?;
    let mut context = Context::new();
    context.insert("frame", frame);
    let rail = tera.render("rail.html", &context).map_err(|error| fault(chain(&error)))?;
    let bar = tera.render("bar.html", &context).map_err(|error| fault(chain(&error)))?;
    Ok(rail + &bar)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// HTML's five characters become entities; control and direction characters become visible tokens, so that
/// a text cannot pretend to be another one.
fn escape(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let token: &str = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ if is_hidden(c) => "",
            _ => continue,
        };
        out.write_all(&text.as_bytes()[plain..at])?;
        if token.is_empty() {
            write!(out, "⟨U+{:04X}⟩", u32::from(c))?;
        } else {
            out.write_all(token.as_bytes())?;
        }
        plain = at + c.len_utf8();
    }
    out.write_all(&text.as_bytes()[plain..])
}

/// Control characters (tab and line feed apart), zero-width characters and direction overrides.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{61C}')
        || (c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn templates_compile() {
        assert_eq!(TERA.as_ref().err(), None);
    }

    #[test]
    fn escaping_leaves_no_markup_and_no_hidden_character() {
        let mut out = Vec::new();
        escape("<b onclick=\"x\">A'&\u{202E}B\0\n", &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "&lt;b onclick=&quot;x&quot;&gt;A&#39;&amp;⟨U+202E⟩B⟨U+0000⟩\n");
    }
}
