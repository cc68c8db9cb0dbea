// Puts a freshly rendered piece over what is on screen: changed cells in place with one flash, new rows behind a pill,
// removed rows greyed. Nothing jumps under the pointer.

const policy = window.trustedTypes?.createPolicy("milepost", { createHTML: (html) => html });
const waiting = new Map(); // region name -> the newest rendering that was not fully taken over

// The one place where text becomes elements: our own server's HTML.
export function parse(html) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}

export function apply(doc) {
  for (const now of doc.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${CSS.escape(now.dataset.live)}"]`);
    if (!old || old.isEqualNode(now)) continue;
    if (old.dataset.rows) rows(old, now);
    else morph(old, now);
  }
}

function busy(region) {
  const box = region.closest(".scroll") || region;
  const marked = getSelection();
  return box.matches(":hover") || box.contains(document.activeElement) || (!marked.isCollapsed && box.contains(marked.anchorNode));
}

const keyed = (list) => new Map([...list.children].filter((row) => row.dataset.key).map((row) => [row.dataset.key, row]));

function rows(old, now) {
  const there = keyed(old);
  const coming = keyed(now);
  let fresh = 0;
  for (const [key, row] of coming) {
    const known = there.get(key);
    if (!known) fresh += 1;
    else {
      known.classList.remove("gone");
      morph(known, row);
    }
  }
  const gone = [...there].filter(([key]) => !coming.has(key));
  const list = old.dataset.rows === "list";
  // A list grows only when asked to; a small feed moves by itself unless somebody is in it.
  if (there.size && ((list && (fresh || gone.length)) || busy(old))) {
    for (const [, row] of gone) row.classList.add("gone");
    if (list && fresh) {
      waiting.set(old.dataset.live, now);
      pill(old, fresh);
    }
    return;
  }
  take(old, now, there);
}

// The new order, reusing rows that are there so that focus and selection stay.
function take(old, now, there = keyed(old)) {
  const next = [...now.children].map((row) => there.get(row.dataset.key) || document.importNode(row, true));
  const same = next.length === old.children.length && next.every((row, at) => row === old.children[at]);
  if (!same) old.replaceChildren(...next);
  for (const row of old.children) row.classList.remove("gone");
}

function pill(region, count) {
  const box = region.closest(".scroll") || region;
  let news = box.previousElementSibling;
  if (!news?.classList.contains("news")) {
    news = document.createElement("div");
    news.className = "news";
    news.setAttribute("role", "status");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pill";
    button.addEventListener("click", () => {
      const now = waiting.get(region.dataset.live);
      if (now) take(region, now);
      waiting.delete(region.dataset.live);
      news.remove();
      region.querySelector("a")?.focus({ preventScroll: true });
    });
    news.append(button);
    box.before(news);
  }
  news.firstElementChild.textContent = `${count} new · Show`;
}

// Makes `old` equal to `now`, touching only what differs.
export function morph(old, now) {
  if (old.isEqualNode(now)) return;
  if (old.nodeName !== now.nodeName || old.nodeType !== 1) return swap(old, now);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && name !== "open" && name !== "tabindex") old.removeAttribute(name);
  const before = [...old.childNodes];
  const after = [...now.childNodes];
  if (before.length === after.length && before.every((node, at) => node.nodeName === after[at].nodeName)) {
    before.forEach((node, at) => morph(node, after[at]));
  } else {
    old.replaceChildren(...after.map((node) => document.importNode(node, true)));
    flash(old);
  }
}

function swap(old, now) {
  const copy = document.importNode(now, true);
  const parent = old.parentElement;
  old.replaceWith(copy);
  if (old.nodeType !== 3 || old.data.trim() !== now.data.trim()) flash(copy.nodeType === 1 ? copy : parent);
}

function flash(element) {
  if (!element || element.closest("[data-quiet], svg")) return;
  const cell = element.closest("td, th, li, .tile, .sentence, p") || element;
  cell.classList.remove("flash");
  void cell.offsetWidth; // starts the animation anew
  cell.classList.add("flash");
  setTimeout(() => cell.classList.remove("flash"), 3000);
}
