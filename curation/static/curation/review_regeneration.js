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
    const of = focused ? focused.closest(".rv-card") : card;
    if (!of) return;
    const rows = Array.from(of.querySelectorAll("[data-complaint]")).filter((row) => row.querySelector("input"));
    if (what === "begin") {
      const after = rows.slice(rows.indexOf(focused) + 1);
      go(after.find(open) || rows.find(open) || after[0] || rows[0]);
    } else if (focused) {
      const input = focused.querySelector("input[value=" + what + "]");
      input.checked = true;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      go(rows[rows.indexOf(focused) + 1] || focused);
    }
  };
})();
