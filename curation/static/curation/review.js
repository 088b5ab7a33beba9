// Comfort on the review page: keys, focus, active time. Every decision can be made without this file.
// Drafts and trouble with the server are in review_drafts.js, which is loaded before; other answers in review_attempts.js.
(function () {
  "use strict";

  const IDLE_AFTER = 60000; // a minute without a key or a move counts as away
  let activeSince = null, activeMs = 0, lastSign = 0;
  let slot = null; // where the focus was before a swap
  let chosenCard = null; // the card a letter was last used on
  let decided = 0, toTakeBack = 0; // answers that left the queue with the last request; with the last submit
  let placed = null; // what we gave the focus ourselves: being there is nobody's choice of a card

  const root = () => document.querySelector("[data-review]");
  const form = () => document.getElementById("review-form");
  const cards = () => Array.from(document.querySelectorAll(".rv-deciding"));
  const radio = (card, action) => card.querySelector('input[type=radio][value="' + action + '"]');
  const checked = (card) => card.querySelector(".rv-actions input:checked");

  // --- the state of a card

  const original = (card) => document.getElementById(card.querySelector("[data-original]").dataset.original).value;
  const isEdited = (card) => card.querySelector("[data-original]").value.trimEnd() !== original(card).trimEnd();

  function draw(card) {
    const boxes = card.querySelectorAll(".rv-pop input:checked").length;
    card.querySelector("[data-reason-count]").textContent = boxes ? "(" + boxes + ")" : "";
    const restore = card.querySelector("[data-restore]");
    restore.hidden = !isEdited(card);
    const action = checked(card);
    const hint = card.querySelector('[data-hint="regenerate"]');
    if (hint) hint.hidden = !action || action.value !== "regenerate";
    const refused = document.querySelector('[data-hint="refused"]');
    if (refused) {
      const first = cards()[0] && checked(cards()[0]);
      refused.hidden = !first || first.value === "accept";
    }
  }

  // Beside the response the source is always open; below it, on a narrow page, it begins folded.
  const wide = window.matchMedia("(min-width: 62rem) and (min-height: 30rem)");
  function foldSource() {
    const source = document.querySelector("[data-source]");
    if (source) source.open = wide.matches;
  }
  wide.addEventListener("change", foldSource);

  function prepare() {
    foldSource();
    if (!root()) return;
    drawCount();
    cards().forEach(draw);
    activeMs = 0;
    lastSign = Date.now(); // coming is a sign: else the first move would count as the end of a minute away
    activeSince = document.hidden ? null : lastSign;
    chosenCard = null;
    watchTakeBack();
  }
  // The top bar is not swapped with the middle: its count is told by the fragment; where many are left and it was
  // not counted anew, what was just decided is taken off.
  function drawCount() {
    const place = document.querySelector('.places a[aria-current="page"]');
    const left = root().dataset.left === undefined ? countedDown(place) : root().dataset.left;
    decided = 0;
    if (left === undefined || !place) return;
    let count = place.querySelector(".count");
    if (!count) {
      count = document.createElement("span");
      count.className = "count";
      place.append(" ", count);
    }
    count.textContent = left === "0" ? "" : left;
  }

  function countedDown(place) {
    const shown = place && place.querySelector(".count");
    const number = shown ? Number(shown.textContent.replaceAll(",", "")) : NaN; // "1,000+" stays as it is
    return decided && !isNaN(number) ? Math.max(0, number - decided).toLocaleString("en") : undefined;
  }

  // The server refuses a late take-back anyway; the button just does not pretend.
  let takeBackTimer = null;
  function watchTakeBack() {
    clearTimeout(takeBackTimer);
    const line = document.querySelector("[data-last]");
    if (!line) return;
    const left = new Date(line.dataset.last) - Date.now();
    takeBackTimer = setTimeout(function () {
      const button = line.querySelector("button");
      if (!button) return;
      const hadFocus = document.activeElement === button;
      button.remove();
      if (hadFocus) focusFirst();
    }, Math.max(0, left));
  }

  // --- active time

  function sign() {
    const now = Date.now();
    if (activeSince === null) activeSince = now;
    else if (now - lastSign > IDLE_AFTER) {
      activeMs += Math.max(0, lastSign - activeSince) + IDLE_AFTER;
      activeSince = now;
    }
    lastSign = now;
  }
  function pause() {
    if (activeSince !== null) activeMs += Math.min(Date.now(), Math.max(lastSign, activeSince) + IDLE_AFTER) - activeSince;
    activeSince = null;
  }
  function writeSeconds() {
    const field = document.querySelector("[data-seconds]");
    if (!field) return;
    pause();
    activeSince = lastSign = Date.now();
    field.value = Math.max(1, Math.round(activeMs / 1000));
  }
  ["pointerdown", "pointermove", "keydown", "wheel", "scroll"].forEach((name) =>
    document.addEventListener(name, sign, { passive: true, capture: true }));
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : sign()));

  // --- focus

  function rememberSlot() {
    const active = document.activeElement;
    slot = active && active.closest("[data-review]") ? active.dataset.slot || null : null;
  }
  function focusFirst() {
    const invalid = document.querySelector("[data-review] [aria-invalid=true]");
    const open = cards().find((card) => card.querySelector(".rv-error"));
    const target = invalid || (open && radio(open, "accept")) || document.querySelector("[data-focus]") ||
      (slot && document.querySelector('[data-slot="' + slot + '"]')) ||
      document.querySelector(".rv-deciding .rv-scroll") || document.querySelector("#review-item a.btn");
    slot = null;
    if (target) target.focus({ preventScroll: true });
    placed = document.activeElement;
  }

  // --- keys

  const typing = (element) => element.closest("textarea, select, [contenteditable]") ||
    (element.matches("input") && !["radio", "checkbox", "button", "submit"].includes(element.type));

  function cardAtHand() {
    const focused = document.activeElement && document.activeElement.closest(".rv-deciding");
    const inControls = focused && document.activeElement !== placed && !document.activeElement.matches(".rv-scroll");
    return (inControls && focused) || cards().find((card) => !checked(card)) || chosenCard || focused || cards()[0];
  }
  function choose(action) {
    const card = cardAtHand();
    if (!card) return;
    const input = radio(card, action);
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    chosenCard = card;
  }
  function edit() {
    const card = cardAtHand();
    if (!card) return;
    card.querySelector("[data-edit]").open = true;
    card.querySelector("[data-original]").focus();
  }
  function move(by) {
    if (window.nexaAttempts) window.nexaAttempts.move(cardAtHand(), by);
  }
  function complain(what) {
    if (window.nexaComplaints) window.nexaComplaints(cardAtHand(), what);
  }
  function press(selector) {
    const button = document.querySelector(selector);
    if (button) button.click();
  }
  function toggleKeys() {
    const sheet = document.querySelector("[data-keys]");
    if (!sheet) return;
    sheet.open = !sheet.open;
    sheet.querySelector("summary").focus();
  }
  const KEYS = {
    a: () => choose("accept"),
    g: () => choose("regenerate"),
    r: () => choose("reject"),
    e: edit,
    j: () => move(1),
    k: () => move(-1),
    s: () => press('[data-slot="skip"]'),
    u: () => press('[data-slot="take-back"]'),
    f: () => press('[data-slot="fix"]'),
    c: () => complain("begin"),
    y: () => complain("yes"),
    n: () => complain("no"),
    "?": toggleKeys,
  };

  document.addEventListener("keydown", function (event) {
    if (!root() || event.isComposing || event.repeat) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (!form()) return;
      event.preventDefault();
      press('[data-slot="submit"]'); // as a press, so that it is this button that sends, wherever the focus is
      return;
    }
    if (event.key === "Escape") {
      const pop = document.querySelector("[data-reasons][open]");
      if (pop) {
        pop.open = false;
        pop.querySelector("summary").focus();
      } else if (typing(event.target)) {
        const card = event.target.closest(".rv-deciding");
        (card ? card.querySelector(".rv-scroll") : event.target).focus();
        if (!card) event.target.blur();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (!document.querySelector("#review-form, #take-back-form")) return;
    const act = KEYS[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  // --- events

  document.addEventListener("input", function (event) {
    if (event.target.matches("[data-own-text]")) {
      const own = document.querySelector('input[name=text_from][value=own]');
      if (own) own.checked = true;
    }
    const card = event.target.closest(".rv-deciding");
    if (card) cards().forEach(draw);
  });
  document.addEventListener("change", function (event) {
    const card = event.target.closest(".rv-deciding");
    if (!card) return;
    const error = card.querySelector(".rv-error");
    if (error && event.target.closest(".rv-actions")) error.remove(); // it asked for this choice
    cards().forEach(draw);
  });
  document.addEventListener("review-saved", function (event) {
    decided = toTakeBack = event.detail.responses.length;
  });
  document.addEventListener("nexa:restored", () => cards().forEach(draw)); // a draft was put in
  document.addEventListener("click", function (event) {
    document.querySelectorAll("[data-reasons][open]").forEach(function (pop) {
      if (!pop.contains(event.target)) pop.open = false;
    });
    const restore = event.target.closest("[data-restore]");
    if (restore) {
      const card = restore.closest(".rv-deciding");
      const field = card.querySelector("[data-original]");
      field.value = original(card);
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }
    // From an answer to its sentence in the source, and back: what is folded opens.
    const jump = event.target.closest('a[href^="#support-"], a[href^="#claim-"]');
    const target = jump && document.getElementById(jump.hash.slice(1));
    const fold = target && target.closest("details");
    if (fold) fold.open = true;
  });

  // --- HTMX: the middle is swapped, and the focus goes on in it

  document.addEventListener("submit", writeSeconds, true);
  document.addEventListener("focusout", () => { placed = null; });
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.elt.matches("form")) {
      rememberSlot();
      event.detail.elt.setAttribute("aria-busy", "true");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => event.detail.elt.removeAttribute("aria-busy"));
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.requestConfig.elt.id !== "take-back-form" || event.detail.xhr.status !== 200) return;
    decided = -toTakeBack;
    toTakeBack = 0;
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    if (!event.detail.target || event.detail.target.id !== "review-item") return; // a part of it: nothing begins anew
    prepare();
    focusFirst();
  });
  document.addEventListener("DOMContentLoaded", prepare);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) prepare();
  });
})();
