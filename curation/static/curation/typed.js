// Nothing typed is lost by a slip: leaving a long form that differs from what is stored asks first. A form says
// data-typed; data-typed="unsaved" where the page already shows what was typed and not kept. data-discard is a link that
// leaves on purpose. Review, resolving and remarks keep drafts instead.
(function () {
  "use strict";

  let sending = null; // the form that is on its way

  function differs(field) {
    if (!field.name || field.disabled || field.type === "hidden" || field.type === "range") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.type === "file") return field.files.length > 0;
    if (!field.options) return "defaultValue" in field && field.value !== field.defaultValue;
    const options = Array.from(field.options);
    const chosen = options.some((option) => option.defaultSelected);
    // Where no option is marked, a browser shows the first.
    return options.some((option, at) => option.selected !== (chosen || field.multiple ? option.defaultSelected : at === 0));
  }

  function isTyped(form) {
    return form.dataset.typed === "unsaved" || Array.from(form.elements).some(differs);
  }

  function draw(form) {
    const sign = form.querySelector("[data-unsaved]");
    if (!sign) return;
    const typed = isTyped(form);
    if (sign.hidden === typed) sign.hidden = !typed;
    form.classList.toggle("is-typed", typed);
  }

  function all() {
    return Array.from(document.querySelectorAll("form[data-typed]"));
  }

  window.addEventListener("beforeunload", function (event) {
    if (!all().some((form) => form !== sending && isTyped(form))) return;
    event.preventDefault();
    event.returnValue = "ask"; // what older browsers ask by
    const stopped = sending;
    sending = null;
    // Runs once the question is answered with "stay": the form may be sent another time.
    setTimeout(() => stopped && delete stopped.dataset.sent);
  });

  document.addEventListener("submit", function (event) {
    if (!event.defaultPrevented) sending = event.target;
  });
  document.addEventListener("click", function (event) {
    if (!event.target.closest("a[data-discard]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    all().forEach((form) => form.removeAttribute("data-typed"));
  });
  ["input", "change"].forEach((name) => document.addEventListener(name, function (event) {
    if (event.target.form && event.target.form.matches("[data-typed]")) draw(event.target.form);
  }));
  window.addEventListener("pageshow", function () {
    sending = null;
    all().forEach(draw);
  });
})();
