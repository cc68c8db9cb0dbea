//! Server-rendered pages. Read through store, show with tera.
