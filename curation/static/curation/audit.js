// Comfort on the page of an audited row: keys, and the focus stays where it was. Without it everything is a form.
(function () {
  "use strict";

  let slot = null; // where the focus was before a swap

  const root = () => document.getElementById("audit-item");
  const typing = (element) => element.closest("textarea, select");

  const wide = window.matchMedia("(min-width: 62rem) and (min-height: 30rem)");
  function foldSource() {
    const source = document.querySelector("#audit-item [data-source]");
    if (source) source.open = wide.matches;
  }
  wide.addEventListener("change", foldSource);

  function choose(value) {
    const input = document.querySelector('#audit-item input[name=bad][value="' + value + '"]');
    if (!input) return;
    input.checked = true;
    input.focus({ preventScroll: true });
  }
  function press(name) {
    const control = document.querySelector('#audit-item [data-slot="' + name + '"]');
    if (control) control.click();
  }
  const KEYS = {
    g: () => choose("good"),
    b: () => choose("bad"),
    n: () => document.querySelector("#audit-item textarea").focus(),
    j: () => press("following"),
    k: () => press("former"),
  };

  document.addEventListener("keydown", function (event) {
    if (!root() || event.isComposing || event.repeat) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      press("submit");
    } else if (event.key === "Escape" && typing(event.target)) {
      root().querySelector(".rv-scroll").focus();
    } else if (!typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
  document.addEventListener("htmx:beforeRequest", function (event) {
    const active = document.activeElement;
    if (event.detail.target.id === "audit-item") slot = (active && active.dataset.slot) || null;
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.target.id !== "audit-item") return;
    if ([409, 422].includes(event.detail.xhr.status)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
    // The last verdict leads to the result: another page, which is shown whole.
    if (!event.detail.xhr.responseText.includes('id="audit-item"')) {
      event.detail.shouldSwap = false;
      window.location.assign(event.detail.xhr.responseURL);
    }
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target.id !== "audit-item") return;
    foldSource();
    const kept = slot && document.querySelector('#audit-item [data-slot="' + slot + '"]');
    (document.querySelector("#audit-item [role=alert]") || kept || root().querySelector(".rv-scroll")).focus({ preventScroll: true });
    slot = null;
  });
  document.addEventListener("DOMContentLoaded", foldSource);
})();
