// Keyboard, copying, and choices that need no button. Everything here can also be done without it.
import { pause } from "./live.js";

const byId = (id) => document.getElementById(id);
const help = byId("help");
let armed = 0; // after `g`

const typing = (target) => target.closest("input, select, textarea, [contenteditable]");
const rows = () => [...document.querySelectorAll("main tr[data-key], main li[data-key]")].filter((row) => row.querySelector("a") && row.offsetParent);

function step(by) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  const link = next?.querySelector("th a, a");
  link?.focus();
  document.querySelector(".here")?.classList.remove("here");
  next?.classList.add("here");
}

async function copy(text, button) {
  await navigator.clipboard?.writeText(text);
  button?.classList.add("done");
  setTimeout(() => button?.classList.remove("done"), 1500);
}

function choose(select) {
  if (select.id === "theme") {
    document.documentElement.dataset.theme = select.value;
    document.cookie = `theme=${select.value}; Path=/; SameSite=Lax; Max-Age=34560000`;
  } else select.form.submit();
}

const actions = {
  "/": () => byId("find").focus(),
  "?": () => help.showModal(),
  j: () => step(1),
  k: () => step(-1),
  p: () => !byId("pause").hidden && pause(),
  t: () => {
    const select = byId("theme");
    select.selectedIndex = (select.selectedIndex + 1) % 3;
    choose(select);
  },
  y: () => {
    const row = document.activeElement.closest("[data-key]");
    const own = document.querySelector("h1 [data-copy]")?.dataset.copy;
    const text = row?.querySelector("bdi")?.textContent || own;
    if (text) copy(text, row ? undefined : document.querySelector("h1 [data-copy]"));
  },
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return byId("find").focus();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || help.open) return;
  if (Date.now() - armed < 1500) {
    armed = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) return link.click();
  }
  if (event.key === "g") return (armed = Date.now());
  const tab = /^[1-9]$/.test(event.key) && document.querySelector(`[data-tab="${event.key}"]`);
  if (tab) return tab.classList.contains("tile") ? tab.focus() : tab.click();
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy, button);
});

for (const button of document.querySelectorAll(".copy")) button.hidden = false;

// One box for all boxes of a table.
for (const all of document.querySelectorAll("[data-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of all.form.elements) if (box.name === all.dataset.all) box.checked = all.checked;
  });
}
for (const id of ["tz", "theme"]) byId(id)?.addEventListener("change", (event) => choose(event.target));
const apply = document.querySelector(".prefs button");
if (apply) apply.hidden = true;

// The reader's own zone, when the list lacks it.
const zones = byId("tz");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zones && own && ![...zones.options].some((option) => option.value === own)) zones.add(new Option(`${own.replaceAll("_", " ")} (yours)`, own), 1);
byId("help-open").hidden = false;
byId("help-open").addEventListener("click", actions["?"]);

// A payload opens at the line at fault.
const fault = !location.hash && document.querySelector(".code .bad");
if (fault) {
  const code = fault.closest(".code");
  code.scrollTop = fault.offsetTop - code.clientHeight / 3;
}

// A list's address, and its paper.
for (const id of ["copy-link", "print"]) if (byId(id)) byId(id).hidden = false;
byId("copy-link")?.addEventListener("click", async ({ currentTarget: button }) => {
  const url = new URL(location.href);
  url.searchParams.delete("after");
  await navigator.clipboard?.writeText(url.href);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy link"), 1500);
});
byId("print")?.addEventListener("click", () => { byId("print").closest("details").open = false; print(); });
// A menu closes when the reader turns elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});
