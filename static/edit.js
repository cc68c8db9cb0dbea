// Checks a payload while it is typed, and runs dry runs in place. Without it the same buttons load the page anew.
import { apply, parse } from "./patch.js";

let form, area, asked = 0, timer;

async function piece(fields) {
  const mine = ++asked;
  const answer = await fetch(form.action, { method: "POST", body: fields, headers: { "X-Milepost-Piece": "live" }, credentials: "same-origin" });
  if (!answer.ok || mine !== asked) return answer;
  apply(parse(await answer.text()));
  return answer;
}

const fields = (deed) => {
  const all = new URLSearchParams(new FormData(form));
  all.set("do", deed);
  return all;
};

function begin() {
  form = document.getElementById("editor");
  area = document.getElementById("body");
  if (!form || !area) return;
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => piece(fields("check")).catch(() => {}), 350);
  });
  // Tab stays a way out of the field; a line break keeps the indent of its line.
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const before = area.value.slice(0, area.selectionStart);
    const indent = before.slice(before.lastIndexOf("\n") + 1).match(/^\s*/)[0];
    if (!indent) return;
    event.preventDefault();
    area.setRangeText(`\n${indent}`, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  });
  form.addEventListener("submit", (event) => {
    const deed = event.submitter?.value;
    const named = form.elements.person;
    if (deed === "check" || (deed === "dry" && !named)) {
      event.preventDefault();
      clearTimeout(timer);
      piece(fields(deed)).then((answer) => {
        if (!answer.ok) form.submit.call(form);
        else if (deed === "dry") {
          history.replaceState(null, "", answer.url);
          document.getElementById("dry")?.scrollIntoView({ block: "nearest" });
        }
      }).catch(() => {});
    }
  });
}

begin();
document.addEventListener("place", begin);
