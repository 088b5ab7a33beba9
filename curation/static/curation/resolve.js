// Comfort on the resolve page: keys, focus, the text that was chosen. Every decision can be made without this file.
(function () {
  "use strict";

  let slot = null; // where the focus was before a swap

  const root = () => document.querySelector("[data-resolve]");
  const form = () => document.getElementById("resolve-form");
  const texts = () => Array.from(document.querySelectorAll("input[name=text_from]"));
  const own = () => document.querySelector("[data-own-text]");
  const typing = (element) => element.closest("textarea, select, [contenteditable]") ||
    (element.matches("input") && !["radio", "checkbox", "button", "submit"].includes(element.type));

  // Beside the answers the source is always open; below them, on a narrow page, it begins folded.
  const wide = window.matchMedia("(min-width: 62rem) and (min-height: 30rem)");
  function foldSource() {
    const source = document.querySelector("[data-source]");
    if (source && root()) source.open = wide.matches;
  }
  wide.addEventListener("change", foldSource);

  // The top bar is not swapped with the middle: its count is told by what came.
  function drawCount() {
    const place = document.querySelector('.places a[aria-current="page"]');
    if (!root() || !place) return;
    let count = place.querySelector(".count");
    if (!count) {
      count = document.createElement("span");
      count.className = "count";
      place.append(" ", count);
    }
    count.textContent = root().dataset.left === "0" ? "" : root().dataset.left;
  }
  function drawReasons() {
    const count = document.querySelector("[data-reason-count]");
    const ticked = document.querySelectorAll(".rv-pop input:checked").length;
    if (count) count.textContent = ticked ? "(" + ticked + ")" : "";
  }

  // The server refuses a late take-back anyway; the button just does not pretend.
  let takeBackTimer = null;
  function watchTakeBack() {
    clearTimeout(takeBackTimer);
    const line = document.querySelector("[data-last]");
    if (!line) return;
    takeBackTimer = setTimeout(function () {
      const button = line.querySelector("button");
      if (!button) return;
      const hadFocus = document.activeElement === button;
      button.remove();
      if (hadFocus) focusFirst();
    }, Math.max(0, new Date(line.dataset.last) - Date.now()));
  }
  function prepare() {
    foldSource();
    drawCount();
    drawReasons();
    watchTakeBack();
  }

  function focusFirst() {
    const target = document.querySelector("#resolve-item [aria-invalid=true], #resolve-item .rv-error") ||
      document.querySelector("#resolve-item [data-focus]") ||
      (slot && document.querySelector('#resolve-item [data-slot="' + slot + '"]')) ||
      document.querySelector("#resolve-item .rv-scroll");
    slot = null;
    if (!target) return;
    const error = target.matches(".rv-error") && document.querySelector(".rv-actions input");
    (error || target).focus({ preventScroll: true });
  }

  // --- keys

  function chooseAction(action) {
    const input = document.querySelector('.rv-actions input[value="' + action + '"]');
    if (!input) return;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function chooseText(step) {
    const all = texts().filter((radio) => radio.value !== "own" || document.querySelector("[data-own][open]"));
    if (!all.length) return;
    const at = all.findIndex((radio) => radio.checked);
    const next = all[(at + step + all.length) % all.length];
    next.checked = true;
    next.dispatchEvent(new Event("change", { bubbles: true }));
    next.closest(".rv-side, .rs-own").scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  // One's own text begins from the chosen one; what is written there already is not written over.
  function edit() {
    if (!own()) return;
    const chosen = texts().find((radio) => radio.checked);
    const words = (element) => (element.value === undefined ? element.textContent : element.value);
    const there = Array.from(document.querySelectorAll("[data-text-of]"));
    const from = chosen && there.find((each) => each.dataset.textOf === chosen.value);
    document.querySelector("[data-own]").open = true;
    if (from && there.some((each) => words(each).trim() === own().value.trim())) own().value = words(from);
    takeOwn();
    own().focus();
  }
  function takeOwn() {
    const radio = document.querySelector("input[name=text_from][value=own]");
    if (!radio || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function press(name) {
    const control = document.querySelector('[data-slot="' + name + '"]');
    if (control) control.click();
  }
  function toggleKeys() {
    const sheet = document.querySelector("[data-keys]");
    if (!sheet) return;
    sheet.open = !sheet.open;
    sheet.querySelector("summary").focus();
  }
  const KEYS = {
    a: () => chooseAction("accept"),
    g: () => chooseAction("regenerate"),
    r: () => chooseAction("reject"),
    j: () => chooseText(1),
    k: () => chooseText(-1),
    e: edit,
    s: () => press("skip"),
    u: () => press("take-back"),
    "?": toggleKeys,
  };

  function leaveField(event) {
    const pop = document.querySelector("[data-reasons][open]");
    if (pop) {
      pop.open = false;
      pop.querySelector("summary").focus();
    } else if (typing(event.target) && event.target.closest("#resolve-form")) {
      document.querySelector("#resolve-item .rv-scroll").focus();
    }
  }
  document.addEventListener("keydown", function (event) {
    if (!root() || event.isComposing || event.repeat) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const submit = document.querySelector('[data-slot="submit"]');
      if (!form() || submit.disabled) return;
      event.preventDefault();
      form().requestSubmit();
    } else if (event.key === "Escape") {
      leaveField(event);
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target) && KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  // --- events

  document.addEventListener("input", function (event) {
    if (event.target.matches("[data-own-text]")) takeOwn();
  });
  document.addEventListener("change", function (event) {
    if (event.target.closest(".rv-pop")) drawReasons();
    if (event.target.matches("input[name=text_from][value=own]")) document.querySelector("[data-own]").open = true;
  });
  document.addEventListener("nexa:restored", function () { // a draft was put in
    drawReasons();
    if (document.querySelector("input[name=text_from][value=own]:checked")) document.querySelector("[data-own]").open = true;
  });
  document.addEventListener("click", function (event) {
    document.querySelectorAll("[data-reasons][open]").forEach(function (pop) {
      if (!pop.contains(event.target)) pop.open = false;
    });
    // From an answer to its sentence in the source, and back: what is folded opens.
    const jump = event.target.closest('a[href^="#support-"], a[href^="#claim-"]');
    const target = jump && document.getElementById(jump.hash.slice(1));
    const fold = target && target.closest("details");
    if (fold) fold.open = true;
  });
  document.addEventListener("htmx:beforeRequest", function (event) {
    const active = document.activeElement;
    if (event.detail.target.id === "resolve-item") slot = (active && active.dataset.slot) || null;
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.target.id === "resolve-item" && [409, 422].includes(event.detail.xhr.status)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target.id !== "resolve-item") return;
    prepare();
    focusFirst();
  });
  document.addEventListener("DOMContentLoaded", prepare);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) prepare();
  });
})();
