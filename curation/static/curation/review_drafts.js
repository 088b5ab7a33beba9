// What is typed on the review page and not sent yet: kept per person and response in this browser, and put back. What
// goes wrong on the way to the server is said, and nothing typed is lost by it. Loaded before review.js.
(function () {
  "use strict";

  const root = () => document.querySelector("[data-review]");
  const cards = () => Array.from(document.querySelectorAll(".rv-deciding"));

  // --- drafts: kept per person and response in this browser until they are sent

  function draftKey(response) {
    return "nexa-draft:" + root().dataset.user + ":" + response;
  }
  function readCard(card) {
    const action = card.querySelector(".rv-actions input:checked");
    return {
      action: action ? action.value : "",
      reasons: Array.from(card.querySelectorAll(".rv-pop input:checked")).map((box) => box.value),
      text: card.querySelector("[data-original]").value,
      comment: card.querySelector(".rv-comment").value,
    };
  }
  function saveDraft(card) {
    try {
      localStorage.setItem(draftKey(card.dataset.response), JSON.stringify(readCard(card)));
      say("Draft kept in this browser.");
    } catch (error) {
      say("This browser keeps no drafts: submit before you leave.");
    }
  }
  function restoreDraft(card) {
    let draft = null;
    try {
      draft = JSON.parse(localStorage.getItem(draftKey(card.dataset.response)));
    } catch (error) {
      return false;
    }
    if (!draft || JSON.stringify(draft) === JSON.stringify(readCard(card))) return false;
    const chosen = draft.action && card.querySelector('input[type=radio][value="' + draft.action + '"]');
    if (chosen) chosen.checked = true;
    card.querySelectorAll(".rv-pop input").forEach((box) => { box.checked = draft.reasons.includes(box.value); });
    card.querySelector("[data-original]").value = draft.text;
    card.querySelector(".rv-comment").value = draft.comment;
    openEdited(card);
    return true;
  }
  function openEdited(card) {
    const field = card.querySelector("[data-original]");
    const original = document.getElementById(field.dataset.original).value;
    if (field.value.trimEnd() !== original.trimEnd()) card.querySelector("[data-edit]").open = true;
  }
  function restoreAll() {
    if (root() && cards().map(restoreDraft).includes(true)) say("Your draft is back.");
  }
  function dropDrafts(responses) {
    responses.forEach((response) => localStorage.removeItem(draftKey(response)));
  }
  function say(words) {
    const note = document.querySelector("[data-draft-note]");
    if (note) note.textContent = words;
  }

  function keep(event) {
    const card = event.target.closest(".rv-deciding");
    if (card) saveDraft(card);
  }
  document.addEventListener("input", keep);
  document.addEventListener("change", keep);

  // --- HTMX: errors that carry a page are shown, others are said

  function trouble(words, link) {
    const line = document.getElementById("review-trouble");
    if (!line) return;
    line.textContent = words;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link;
      anchor.textContent = " Log in again";
      line.append(anchor);
    }
    line.hidden = false;
  }
  // Before other listeners: elsewhere the page goes to the log-in by itself, here it stays with what is typed on it.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const xhr = event.detail.xhr;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname === document.body.dataset.login && root()) {
      event.detail.shouldSwap = false;
      event.stopImmediatePropagation();
      trouble("Your session has ended. What you typed is kept in this browser.", window.location.href);
      return;
    }
    if (xhr.status === 409 || xhr.status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  }, true);
  document.addEventListener("htmx:sendError", () =>
    trouble("No connection to the server. What you typed is kept; submit again when it is back."));
  document.addEventListener("htmx:responseError", (event) =>
    trouble("The server answered with an error (" + event.detail.xhr.status + "). What you typed is kept; try again."));
  document.addEventListener("review-saved", (event) => dropDrafts(event.detail.responses || []));

  document.addEventListener("htmx:afterSettle", function (event) {
    const target = event.detail.target || event.detail.elt;
    if (!target || target.id !== "review-held") restoreAll();
  });
  document.addEventListener("DOMContentLoaded", restoreAll);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) restoreAll();
  });
})();
