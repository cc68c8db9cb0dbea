//! The description of the API as a page for people, made from the same table as `openapi.json`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::openapi::{OPERATIONS, Operation};
use crate::pages::render::Page;
use crate::pages::{Desk, alone};

#[derive(Debug, Serialize)]
struct ApiPage {
    sections: Vec<Section>,
}

impl Page for ApiPage {
    const TEMPLATE: &'static str = "api.html";
}

#[derive(Debug, Serialize)]
struct Section {
    title: &'static str,
    operations: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    anchor: String,
    method: String,
    path: &'static str,
    title: &'static str,
    about: &'static str,
    needs: &'static str,
    query: Vec<(&'static str, &'static str)>,
    body: Vec<Field>,
    sends: &'static [&'static str],
    answer: Vec<Field>,
    gives: &'static str,
    curl: String,
}

#[derive(Debug, Serialize)]
struct Field {
    name: &'static str,
    kind: &'static str,
    about: &'static str,
    optional: bool,
}

fn fields(all: &'static [(&'static str, &'static str, &'static str)]) -> Vec<Field> {
    let field = |(name, kind, about): &(&'static str, &'static str, &'static str)| Field {
        name: name.trim_end_matches('?'),
        kind: kind.trim_end_matches('?'),
        about,
        optional: name.ends_with('?') || kind.ends_with('?'),
    };
    all.iter().map(field).collect()
}

fn row(operation: &'static Operation) -> Row {
    let port = if matches!(operation.path, "/v1/traces" | "/v1/logs" | "/v1/metrics") { 4318 } else { 8080 };
    let mut curl = format!("curl http://127.0.0.1:{port}{} -H \"Authorization: Bearer $KEY\"", operation.path);
    if !operation.body.is_empty() {
        let needed: Vec<String> = operation
            .body
            .iter()
            .filter(|(name, _, _)| !name.ends_with('?'))
            .map(|(name, _, _)| format!("\"{name}\": \"…\""))
            .collect();
        curl.push_str(&format!(" \\\n  -H \"Content-Type: application/json\" -d '{{{}}}'", needed.join(", ")));
    }
    Row {
        anchor: operation.name(),
        method: operation.method.to_uppercase(),
        path: operation.path,
        title: operation.title,
        about: operation.about,
        needs: operation.key.words(),
        query: operation.query.to_vec(),
        body: fields(operation.body),
        sends: operation.sends,
        answer: fields(operation.answer),
        gives: operation.gives,
        curl,
    }
}

pub async fn show(desk: web::Data<Desk>, request: HttpRequest) -> HttpResponse {
    let mut sections: Vec<Section> = Vec::new();
    for operation in OPERATIONS {
        match sections.iter_mut().find(|section| section.title == operation.tag) {
            Some(section) => section.operations.push(row(operation)),
            None => sections.push(Section { title: operation.tag, operations: vec![row(operation)] }),
        }
    }
    alone(&desk, &request, "API", &ApiPage { sections })
}
