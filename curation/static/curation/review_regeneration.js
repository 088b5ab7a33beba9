// Comfort around regenerating on the review page: the checklist of complaints by keys, and what will be asked.
// Everything here works without this file too: fields of the form, and a button that leads to a page.
(function () {
  "use strict";

  // --- was each complaint met? c goes to the next one, y and n answer the one that has the focus

  const open = (row) => !row.querySelector("input[value=yes]:checked, input[value=no]:checked");
  function go(row) {
    const input = row && row.querySelector("input");
    if (!input) return;
    input.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  window.nexaComplaints = function (card, what) {
    const focused = document.activeElement.closest("[data-complaint]");
    const rows = Array.from(document.querySelectorAll("[data-complaint]")).filter((row) => row.querySelector("input"));
    if (what === "begin") {
      const from = focused ? rows.indexOf(focused) + 1 : Math.max(0, rows.findIndex((row) => card && card.contains(row)));
      const inTurn = rows.slice(from).concat(rows.slice(0, from));
      go(inTurn.find(open) || inTurn[0]);
    } else if (focused) {
      const input = focused.querySelector("input[value=" + what + "]");
      input.checked = true;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      go(rows[rows.indexOf(focused) + 1] || focused);
    }
  };

  // --- what will be asked: as soon as regenerate is chosen, and anew when the reasons or the comment change

  const PAUSE = 400; // how long somebody pauses in typing, ms
  const timers = new WeakMap();
  const shown = new WeakMap(); // card → what the order on it was made of

  const chosen = (card) => card.querySelector(".rv-regenerate input:checked");
  function said(card) {
    const codes = Array.from(card.querySelectorAll(".rv-pop input:checked"), (box) => box.value);
    return codes.join(" ") + "\n" + card.querySelector(".rv-comment").value.trim();
  }
  function order(card) {
    const button = card.querySelector("[data-order] button");
    if (!button || !window.htmx || !chosen(card) || shown.get(card) === said(card)) return;
    shown.set(card, said(card));
    window.htmx.trigger(button, "nexa-order");
  }
  function later(event) {
    const card = event.target.closest && event.target.closest(".rv-deciding");
    if (!card || !event.target.closest(".rv-decision")) return;
    clearTimeout(timers.get(card));
    timers.set(card, setTimeout(() => order(card), PAUSE));
  }
  // What did not come is asked for again with the next change.
  document.addEventListener("htmx:afterRequest", function (event) {
    const card = event.detail.elt.closest("[data-order]") && event.detail.elt.closest(".rv-deciding");
    if (card && !event.detail.successful) shown.delete(card);
  });
  const all = () => document.querySelectorAll(".rv-deciding").forEach(order);
  document.addEventListener("input", later);
  document.addEventListener("change", later);
  document.addEventListener("nexa:restored", all); // a draft was put in
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target && event.detail.target.id === "review-item") all();
  });
})();
