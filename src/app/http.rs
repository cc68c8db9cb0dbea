//! The two actix servers: pages with API and events on one port, OTLP/HTTP on another.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use super::health;
use super::serve::House;
use super::settings::Settings;
use crate::receive::{self, Doors};
use crate::{api, live, pages};

pub fn pages(listener: TcpListener, house: &Arc<House>, settings: &Settings) -> std::io::Result<Server> {
    let house = Arc::clone(house);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&house)))
            .app_data(web::Data::from(Arc::clone(&house.doors)))
            .app_data(web::Data::from(Arc::clone(&house.desk)))
            .app_data(web::Data::new(house.desk.hub.clone()))
            .app_data(web::Data::from(Arc::clone(&house.desk.keys)))
            .configure(receive::events::configure)
            .configure(health::configure)
            .configure(api::configure)
            .configure(live::configure)
            .configure(pages::configure)
    });
    let limits = &settings.receive;
    server
        .workers(settings.server.workers)
        .tcp_nodelay(true)
        .client_request_timeout(limits.header_time())
        .max_connections(limits.connections)
        .shutdown_timeout(limits.drain_time().as_secs())
        .disable_signals()
        .listen(listener)
        .map(HttpServer::run)
}

pub fn otlp(listener: TcpListener, doors: &Arc<Doors>, settings: &Settings) -> std::io::Result<Server> {
    let doors = Arc::clone(doors);
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::from(Arc::clone(&doors))).configure(receive::otlp_http::configure)
    });
    let limits = &settings.receive;
    server
        .workers(settings.server.workers)
        .tcp_nodelay(true)
        .client_request_timeout(limits.header_time())
        .max_connections(limits.connections)
        .shutdown_timeout(limits.drain_time().as_secs())
        .disable_signals()
        .listen(listener)
        .map(HttpServer::run)
}
