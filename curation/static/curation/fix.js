// Comfort only: y takes the answer at hand, n leaves it, and the focus goes to the next. Without this file: buttons.
(function () {
  "use strict";

  const MOST_SECONDS = 300; // between two answers; who was away longer was not reading
  let since = Date.now();

  const open = () => Array.from(document.querySelectorAll("[data-fix]"));

  function atHand() {
    const focused = document.activeElement && document.activeElement.closest("[data-fix]");
    return focused || open()[0] || null;
  }

  function goTo(article) {
    if (article) {
      article.focus({ preventScroll: true });
      article.scrollIntoView({ block: "nearest" });
      return;
    }
    const empty = document.getElementById("fix-empty");
    if (!empty) return;
    empty.hidden = false;
    empty.focus();
  }

  function step(by) {
    const all = open();
    const here = all.indexOf(atHand());
    goTo(all[Math.min(Math.max(here + by, 0), all.length - 1)]);
  }

  function press(selector, within) {
    const button = (within || document).querySelector(selector);
    if (button) button.click();
  }

  const KEYS = {
    y: () => atHand() && press("[data-fix-take]", atHand()),
    n: () => atHand() && press("[data-fix-leave]", atHand()),
    j: () => step(1),
    k: () => step(-1),
    e: function () {
      const article = atHand();
      if (!article) return;
      article.querySelector(".fix-form details").open = true;
      article.querySelector("textarea").focus();
    },
    f: () => press("#fix-next"),
    q: () => press("#fix-back"),
  };

  document.addEventListener("keydown", function (event) {
    if (event.isComposing || event.repeat || event.altKey) return;
    const typing = event.target.closest("textarea, input:not([type=hidden]), select");
    if (typing) {
      if (event.key === "Escape") goTo(typing.closest("[data-fix]"));
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) press("[data-fix-take]", typing.closest("[data-fix]"));
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  document.addEventListener("htmx:configRequest", function (event) {
    if (!event.target.closest("[data-fix]")) return;
    const seconds = Math.round((Date.now() - since) / 1000);
    event.detail.parameters.seconds = Math.min(Math.max(seconds, 1), MOST_SECONDS);
  });

  // What came in place of an answer says what became of it; the focus goes on to the next one.
  document.addEventListener("htmx:afterSettle", function (event) {
    const done = event.target.closest("[data-fix-done]") || document.querySelector("[data-fix-done]:not([data-seen])");
    if (!done) return;
    done.dataset.seen = "1";
    since = Date.now();
    let next = done.nextElementSibling;
    while (next && !next.matches("[data-fix]")) next = next.nextElementSibling;
    goTo(next || open()[0] || null);
  });

  document.addEventListener("DOMContentLoaded", function () {
    const asked = document.querySelector("[data-fix] .note.bad");
    goTo(asked ? asked.closest("[data-fix]") : open()[0] || null);
  });
})();
