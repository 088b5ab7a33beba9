// Comfort while writing a remark: names after an @, Ctrl+Enter sends. Every remark can be made without this file.
(function () {
  "use strict";

  const MOST = 6; // names offered at once
  const typed = /(^|[^\w@.+-])@([\w.@+-]*)$/; // a name that is being written, before the cursor

  const box = (target) => (target.matches && target.matches("#talk-text") ? target : null);
  const list = () => document.getElementById("talk-names");
  const options = () => Array.from(list().children);
  const isOpen = () => list() && !list().hidden;

  function close() {
    if (!list()) return;
    list().hidden = true;
    list().replaceChildren();
    const area = document.getElementById("talk-text");
    if (area) area.removeAttribute("aria-activedescendant");
  }
  function choose(area, number) {
    options().forEach((option, place) => option.setAttribute("aria-selected", place === number ? "true" : "false"));
    area.setAttribute("aria-activedescendant", "talk-name-" + number);
  }
  const chosen = () => options().findIndex((option) => option.getAttribute("aria-selected") === "true");

  function offer(area) {
    const found = typed.exec(area.value.slice(0, area.selectionStart));
    const begun = found ? found[2].toLowerCase() : "";
    const names = (area.closest("[data-talk]").dataset.names || "").split(" ").filter(Boolean);
    const fit = found ? names.filter((name) => name.toLowerCase().startsWith(begun)).slice(0, MOST) : [];
    if (!fit.length || (fit.length === 1 && fit[0] === found[2])) return close();
    list().replaceChildren(...fit.map(function (name, number) {
      const option = document.createElement("li");
      option.id = "talk-name-" + number;
      option.setAttribute("role", "option");
      option.textContent = name;
      return option;
    }));
    list().hidden = false;
    choose(area, 0);
  }
  function take(area, name) {
    const at = area.selectionStart;
    const before = area.value.slice(0, at).replace(typed, "$1@" + name + " ");
    area.value = before + area.value.slice(at);
    area.setSelectionRange(before.length, before.length);
    close();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Before the keys of the page around it: here they mean something else.
  document.addEventListener("keydown", function (event) {
    if (event.isComposing || !event.target.closest || !event.target.closest("[data-talk]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      const form = event.target.closest("form");
      if (form) form.requestSubmit();
      return;
    }
    const area = box(event.target);
    if (!area || !isOpen()) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(area, (chosen() + step + options().length) % options().length);
    else if (event.key === "Enter" || event.key === "Tab") take(area, options()[chosen()].textContent);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener("input", function (event) {
    const area = box(event.target);
    if (area) offer(area);
  });
  document.addEventListener("mousedown", function (event) {
    const option = event.target.closest && event.target.closest("#talk-names li");
    if (!option) return;
    event.preventDefault(); // the focus stays in the box
    take(document.getElementById("talk-text"), option.textContent);
  });
  document.addEventListener("focusout", function (event) {
    if (box(event.target)) close();
  });

  // A remark that could not be stored comes back with what is wrong; opening the menu goes to the box.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.xhr.status === 422 && event.detail.target.id === "talk") {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  // A link to a remark opens what it lies folded in.
  function reveal() {
    const target = location.hash.startsWith("#comment-") && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView({ block: "center" });
  }
  window.addEventListener("hashchange", reveal);
  document.addEventListener("DOMContentLoaded", reveal);
})();
