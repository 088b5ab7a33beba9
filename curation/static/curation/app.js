// Comfort only: every page works without this file.
(function () {
  "use strict";

  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const SIGN = { auto: "◐", light: "○", dark: "●" };

  function drawThemeButton(button) {
    const theme = window.nexaTheme.chosen();
    button.querySelector(".theme-sign").textContent = SIGN[theme] || SIGN.auto;
    button.setAttribute("aria-label", "Theme: " + theme + ". Change to " + (NEXT[theme] || "light"));
    button.title = "Theme: " + theme;
    button.hidden = false;
  }

  function startThemeButton() {
    const button = document.querySelector("[data-theme-button]");
    if (!button || !window.nexaTheme) return;
    drawThemeButton(button);
    button.addEventListener("click", function () {
      window.nexaTheme.choose(NEXT[window.nexaTheme.chosen()] || "light");
      drawThemeButton(button);
    });
  }

  // On a narrow page the places scroll sideways: begin where we are.
  function showPlace() {
    document.querySelectorAll(".places").forEach(function (places) {
      const here = places.querySelector('a[aria-current="page"]');
      if (here) places.scrollLeft = here.offsetLeft - places.offsetLeft - (places.clientWidth - here.offsetWidth) / 2;
    });
  }

  // Menus are <details>: they open without us; we only close them again.
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== except) menu.open = false;
    });
  }
  document.addEventListener("click", function (event) {
    closeMenus(event.target.closest("details.menu"));
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A second press on a button that is already sending sends nothing twice.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-may-repeat")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // Logged out meanwhile: a part of a page must not become the log-in page; the whole page goes there and comes back.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const answered = event.detail.xhr.responseURL;
    if (answered && new URL(answered).pathname === document.body.dataset.login) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });

  // A middle that was swapped begins at its top: on a narrow page its reader had scrolled down in the one before.
  // What has to be put right comes into sight instead.
  const MIDDLES = ["review-item", "resolve-item", "audit-item"];
  document.addEventListener("htmx:afterSettle", function (event) {
    // The event names what was there before, by the same id.
    const id = event.detail.target && event.detail.target.id;
    const middle = MIDDLES.includes(id) && document.getElementById(id);
    if (!middle) return;
    const wrong = middle.querySelector(".rv-error, [aria-invalid=true], .note.bad:not([hidden])");
    if (wrong) wrong.scrollIntoView({ block: "center" });
    else if (middle.getBoundingClientRect().top < 0) middle.scrollIntoView();
  });

  // "Select all" and the live count of a bulk form.
  function drawSelection(form) {
    const boxes = form.querySelectorAll("input[name=key]");
    const chosen = form.querySelectorAll("input[name=key]:checked").length;
    const out = form.querySelector("[data-selected-count]");
    if (out) out.textContent = chosen ? chosen + " ticked" : "none ticked";
    const all = form.querySelector("[data-select-all]");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  }
  document.addEventListener("change", function (event) {
    const form = event.target.closest("form[data-bulk]");
    if (!form) return;
    if (event.target.matches("[data-select-all]")) {
      form.querySelectorAll("input[name=key]").forEach(function (box) { box.checked = event.target.checked; });
    }
    drawSelection(form);
  });

  // The address of a filtered list names what filters it, and nothing else.
  document.addEventListener("formdata", function (event) {
    if (!event.target.matches("form[data-short-address]")) return;
    [...event.formData].forEach(([name, value]) => value === "" && event.formData.delete(name));
  });

  // Copy buttons carry the id of what they copy.
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button || !navigator.clipboard) return;
    const source = document.getElementById(button.dataset.copy);
    navigator.clipboard.writeText(source.value || source.textContent).then(function () {
      button.textContent = "Copied";
    });
  });

  // A form that came back: the keyboard begins at the first field that needs a change.
  function showMistake() {
    const wrong = document.querySelector('main [aria-invalid="true"]');
    if (!wrong || document.activeElement !== document.body) return;
    for (let fold = wrong.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    wrong.focus();
  }

  document.addEventListener("DOMContentLoaded", function () {
    startThemeButton();
    showMistake();
    showPlace();
    document.querySelectorAll("form[data-bulk]").forEach(drawSelection);
    document.querySelectorAll("[data-needs-script]").forEach(function (element) { element.hidden = false; });
  });
})();
