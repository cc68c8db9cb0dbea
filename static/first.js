// Waits for the first event: the address of this page leads to a board as soon as there is one.
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", () => navigator.clipboard?.writeText(button.dataset.copy));
}
setInterval(async () => {
  const answer = await fetch("/", { method: "HEAD" }).catch(() => undefined);
  if (answer?.redirected) location.reload();
}, 2000);
