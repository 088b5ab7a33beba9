// Short addresses: only what differs from the rules in force is asked about.
(function () {
  "use strict";

  const LONGEST = 3000; // characters of an address that every web server takes

  function isChanged(input) {
    const now = input.type === "checkbox" ? (input.checked ? "on" : "off") : input.value.replace(/\r\n/g, "\n");
    return now.trim() !== input.dataset.was.trim();
  }

  // The numbers are read out from a place that stays, as what is replaced is not always read.
  document.addEventListener("htmx:afterSwap", function (event) {
    const head = document.querySelector("#filters-trial .trial-head");
    const said = document.getElementById("trial-said");
    if (!said || !head || event.detail.target.id !== "filters-trial") return;
    said.textContent = Array.from(head.querySelectorAll("h2, .flip"), function (each) { return each.textContent; }).join(". ");
  });

  document.addEventListener("htmx:configRequest", function (event) {
    const form = document.getElementById("filters-form");
    if (!form || !event.detail.path.includes("/quality/filters/")) return;
    const parameters = event.detail.parameters;
    form.querySelectorAll("[data-was]").forEach(function (input) {
      if (!isChanged(input)) delete parameters[input.name];
      else if (input.type === "checkbox") parameters[input.name] = input.checked ? "on" : "off";
    });
    ["csrfmiddlewaretoken", "version", "origin"].forEach(function (name) { delete parameters[name]; });
    const asked = new URLSearchParams(parameters).toString();
    if (asked.length > LONGEST) {
      event.detail.verb = "post";
      event.detail.useUrlParams = false;
    }
  });
})();
