// A part of a page that asks for itself again and again must not disturb whoever reads it.
(function () {
  "use strict";

  function selectsIn(part) {
    const chosen = document.getSelection();
    return chosen && !chosen.isCollapsed && chosen.rangeCount > 0 && chosen.getRangeAt(0).intersectsNode(part);
  }

  // Nobody looks, or somebody is about to copy: the next beat comes in two seconds.
  document.addEventListener("htmx:beforeRequest", function (event) {
    const part = event.detail.elt;
    if (part.id === "run-progress" && (document.hidden || selectsIn(part))) event.preventDefault();
  });

  // What was opened stays open, what was scrolled aside stays there.
  let open = [];
  let scrolled = {};
  document.addEventListener("htmx:beforeSwap", function (event) {
    const part = event.detail.target;
    open = Array.from(part.querySelectorAll("details[id][open]"), function (each) { return each.id; });
    scrolled = {};
    part.querySelectorAll("[id][data-keeps-scroll]").forEach(function (each) { scrolled[each.id] = each.scrollLeft; });
  });
  document.addEventListener("htmx:afterSwap", function () {
    open.forEach(function (id) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    });
    Object.keys(scrolled).forEach(function (id) {
      const each = document.getElementById(id);
      if (each) each.scrollLeft = scrolled[id];
    });
  });
})();
