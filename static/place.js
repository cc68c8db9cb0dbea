// Forms that are answered in place: what somebody does leads on without loading a page anew. What is live stays so, the
// address and the way back are those of the page that is shown. Without this the same forms load the page.
import { parse } from "./patch.js";

const own = (doc, where) => [...doc.querySelector(where).childNodes].map((node) => document.importNode(node, true));

function show(doc, url) {
  for (const where of ["#main", ".heading"]) document.querySelector(where).replaceChildren(...own(doc, where));
  document.title = doc.title;
  Object.assign(document.body.dataset, doc.body.dataset);
  const back = document.querySelector(".prefs input[name=back]");
  if (back) back.value = new URL(url).pathname + new URL(url).search;
  if (url !== location.href) {
    history.replaceState({ placed: true }, "");
    history.pushState({ placed: true }, "", url);
    scrollTo(0, 0);
  }
  document.getElementById("main").focus({ preventScroll: true });
  document.dispatchEvent(new Event("place"));
}

async function answered(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  const url = new URL(form.action);
  const asks = form.method === "get";
  if (asks) url.search = fields;
  const answer = await fetch(url, asks ? {} : { method: "POST", body: fields });
  if (!answer.ok) throw new Error(answer.status);
  show(parse(await answer.text()), answer.url);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.place === undefined) return;
  event.preventDefault();
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  const button = event.submitter;
  answered(form, button).catch(() => {
    // What is wrong is told by the page itself.
    delete form.dataset.place;
    form.requestSubmit(button);
  });
});

// Back and forward among what was shown in place.
addEventListener("popstate", (event) => event.state?.placed && location.reload());
