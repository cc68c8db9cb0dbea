// Countdowns and ages between two renderings, by the server's clock. The rules are those of src/pages/time.rs.

const loaded = Date.now();
let offset = Number(document.body.dataset.now) - loaded;

export function skew(ms) {
  offset = ms;
}

const two = (n) => String(n).padStart(2, "0");

export function countdown(left) {
  const seconds = Math.floor(Math.abs(left) / 1000);
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  if (left <= 0) return hours >= 48 ? `+${Math.floor(hours / 24)} d ${hours % 24} h` : `+${hours}:${two(minutes)}`;
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return seconds >= 600 ? `${hours}:${two(minutes)}` : `${two(minutes)}:${two(seconds % 60)}`;
}

function age(ms) {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]].find(([size]) => seconds >= size) || [1, "s"];
  const text = `${Math.floor(seconds / size)} ${unit}`;
  return ms >= 0 ? `${text} ago` : `in ${text}`;
}

const set = (element, text) => element.textContent !== text && (element.textContent = text);

// A clock that is not known to be right shows that it is not.
export function tick(stale) {
  const now = Date.now() + offset;
  for (const element of document.querySelectorAll("[data-due]")) {
    const left = Number(element.dataset.due) - now;
    set(element, stale ? `${countdown(left)}?` : countdown(left));
    if (left <= 0) element.closest(".due")?.classList.add("t-crit");
  }
  for (const element of document.querySelectorAll("[data-ago]")) set(element, age(now - Number(element.dataset.ago)));
}
