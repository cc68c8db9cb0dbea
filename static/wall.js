// The wall display turns its page by itself: eight rows at a time.
const body = document.querySelector(".wall tbody");
if (body) {
  setInterval(() => (body.dataset.half = body.dataset.half !== "2" && body.children.length > 8 ? "2" : "1"), 15000);
}
