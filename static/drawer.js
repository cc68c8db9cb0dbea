// A row opens beside its list instead of in its place. The link works without it, and with a modifier key as ever.
import { parse } from "./patch.js";

let drawer;

function make() {
  drawer = document.createElement("dialog");
  drawer.className = "drawer";
  drawer.setAttribute("aria-labelledby", "drawer-title");
  drawer.addEventListener("click", (event) => event.target === drawer && drawer.close());
  drawer.addEventListener("close", () => drawer.replaceChildren());
  document.body.append(drawer);
}

function button(text) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button small";
  element.textContent = text;
  element.addEventListener("click", () => drawer.close());
  return element;
}

async function show(link) {
  const answer = await fetch(link.href);
  if (!answer.ok) return location.assign(link.href);
  const doc = parse(await answer.text());
  const title = document.createElement("h2");
  title.id = "drawer-title";
  title.textContent = doc.querySelector("h1")?.textContent.trim() || link.textContent;
  const whole = document.createElement("a");
  whole.href = link.href;
  whole.textContent = "Open as a page";
  const head = document.createElement("header");
  head.className = "drawer-head";
  head.append(title, whole, button("Close"));
  const body = document.importNode(doc.getElementById("main"), true);
  body.removeAttribute("id");
  body.querySelectorAll(".saved, .print-only").forEach((part) => part.remove());
  // Who acts here comes back to the list.
  for (const back of body.querySelectorAll("input[name=back]")) back.value = location.pathname + location.search;
  const section = document.createElement("div");
  section.className = "drawer-body";
  section.append(...body.childNodes);
  drawer || make();
  drawer.replaceChildren(head, section);
  drawer.showModal();
  const wanted = decodeURIComponent(new URL(link.href).hash.slice(1));
  const part = wanted && section.querySelector(`#${CSS.escape(wanted)}`);
  if (part && part !== section.querySelector(".unit")) part.scrollIntoView();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  show(link).catch(() => location.assign(link.href));
});
