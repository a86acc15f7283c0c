"use strict";
// All that is known of one line, in a dialog: a copy of what stands for browsers without JavaScript.
const details = document.getElementById("details").textContent; // HTML, in which all text is escaped
const dialog = document.createElement("dialog");
dialog.id = "result";
dialog.setAttribute("aria-labelledby", "result-title");
document.body.append(dialog);

function openResult(id) {
  const start = details.indexOf(`<article class="result" id="${id}">`);
  if (start < 0) return;
  const copy = document.createElement("template");
  copy.innerHTML = details.slice(start, details.indexOf("</article>", start));
  const article = copy.content.firstElementChild;
  article.removeAttribute("id");
  article.querySelector("h3").id = "result-title";
  article.querySelector("header").append(makeSteps(id));
  for (const link of article.querySelectorAll("a.same")) link.parentElement.replaceWith(readPart(link));
  for (const part of article.querySelectorAll("[id^=part-]")) part.removeAttribute("id");
  for (const link of article.querySelectorAll("a.more")) {
    const copy = document.getElementById(link.hash.slice(1)).cloneNode(true);
    copy.removeAttribute("id");
    link.parentElement.replaceWith(copy);
  }
  for (const code of article.querySelectorAll("pre")) code.before(makeCopy(code));
  dialog.replaceChildren(article);
  dialog.dataset.result = id;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  dialog.querySelector(".close").focus();
}

/** What an article before said in the same words: the element of the same kind that has the address. */
function readPart(link) {
  const start = details.lastIndexOf("<", details.indexOf(` id="${link.hash.slice(1)}">`));
  const copy = document.createElement("template");
  copy.innerHTML = details.slice(start, details.indexOf(`</${link.parentElement.localName}>`, start));
  return copy.content.firstElementChild;
}

function closeResult() {
  if (dialog.open) dialog.close();
}

function makeSteps(id) {
  const place = shown.findIndex((row) => row.id === id);
  const step = (name, other) => {
    const button = make("button", { type: "button", disabled: place < 0 || !other }, name);
    button.addEventListener("click", () => {
      history.replaceState(null, "", `#${other.id}`);
      openResult(other.id);
    });
    return button;
  };
  const close = make("button", { type: "button", className: "close" }, "Close");
  close.addEventListener("click", () => dialog.close());
  return make("nav", {}, step("Previous", shown[place - 1]), step("Next", shown[place + 1]), close);
}

function makeCopy(code) {
  const button = make("button", { type: "button", className: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected"; // the browser lets no page write there: the text is ready for Ctrl+C
    }
  });
  return button;
}

dialog.addEventListener("close", () => {
  const hash = writeState();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  const row = rows.find(({ id }) => id === dialog.dataset.result);
  if (row?.element.isConnected) row.element.querySelector("a").focus({ preventScroll: true });
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside it
});
