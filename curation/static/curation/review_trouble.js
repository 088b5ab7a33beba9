// What goes wrong on the way to the server: said on the page, the text kept, and a submit sent again by itself with the
// same key, so that it is never stored twice. Loaded after review_drafts.js.
(function () {
  "use strict";

  const PATIENCE = 30000; // a request without an answer for so long counts as lost, ms
  const PAUSES = [2000, 4000, 8000, 15000, 30000];
  const LOST = [502, 503, 504]; // from what stands before a server that is away
  let waiting = null; // {form, typed, tries, timer}: the submit that is to be sent again
  let lost = false;

  const ours = () => document.querySelector("[data-review], [data-draft]");
  const serialise = (form) => new URLSearchParams(
    Array.from(new FormData(form)).filter(([name]) => !["seconds", "csrfmiddlewaretoken"].includes(name))).toString();

  function line() {
    let found = document.querySelector("[data-trouble], #review-trouble");
    if (!found) {
      const place = document.querySelector("[data-draft]");
      if (!place) return null;
      found = document.createElement("p");
      found.className = "note bad";
      found.setAttribute("role", "alert");
      found.dataset.trouble = "";
      (place.closest("form") || place).before(found);
    }
    return found;
  }
  function say(words, ...more) {
    const place = line();
    if (!place) return;
    place.replaceChildren(words, ...more);
    place.hidden = false;
  }
  function link(href, words) {
    const anchor = document.createElement("a");
    anchor.href = href;
    anchor.textContent = words;
    return anchor;
  }
  function button(words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-outline-secondary btn-sm";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  // --- no connection

  // The same form sent twice is one decision where it carries a key.
  const mayRepeat = (form) => form.matches && form.matches("form") && form.querySelector("input[name=key]");

  function lose(element) {
    lost = true;
    const form = element && mayRepeat(element) ? element : null;
    if (form && !waiting) waiting = { form: form, typed: serialise(form), tries: 0 };
    if (waiting) {
      say("No connection to the server. What you submitted is kept, and is sent when the connection is back. ",
        button("Try now", () => again(true)));
      later();
    } else if (element && element.matches("form")) {
      say("No connection to the server. What you typed is kept; try again when it is back.");
    } else {
      say("No connection to the server. What you type is kept in this browser.");
    }
  }
  function later() {
    clearTimeout(waiting.timer);
    waiting.timer = setTimeout(again, PAUSES[Math.min(waiting.tries, PAUSES.length - 1)]);
    waiting.tries += 1;
  }
  function again(now) {
    if (!waiting) return;
    clearTimeout(waiting.timer);
    if (!waiting.form.isConnected) {
      waiting = null;
      return;
    }
    if (waiting.form.hasAttribute("aria-busy")) return; // under way
    if (now === true) waiting.tries = 0;
    waiting.form.requestSubmit();
  }
  function back() {
    if (!lost) return;
    lost = false;
    const place = line();
    if (place && !waiting) place.hidden = true;
    document.dispatchEvent(new CustomEvent("nexa:online"));
  }
  function knock() {
    if (waiting) again(true);
    else if (lost) askHeld();
  }
  // Changed after it was submitted: it waits for another submit.
  function changed(event) {
    if (!waiting || !waiting.form.contains(event.target) || serialise(waiting.form) === waiting.typed) return;
    clearTimeout(waiting.timer);
    waiting = null;
    say("No connection to the server. You changed it after you submitted: it is kept here; submit again when the connection is back.");
  }
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  window.addEventListener("online", knock);
  window.addEventListener("focus", knock);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) knock(); });

  // --- HTMX: errors that carry a page are shown, others are said

  const isLogIn = (address) => address && new URL(address, window.location).pathname === document.body.dataset.login;
  function ended() {
    const here = document.body.dataset.login + "?next=" + encodeURIComponent(window.location.pathname);
    say("Your session has ended. What you typed is kept. ", link(here, "Log in again"));
  }

  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.verb === "get" || !ours()) return;
    event.detail.timeout = event.detail.timeout || PATIENCE;
    // Logged in anew in another window: the token of this page is old, the one in the cookie is not.
    const token = newestToken();
    if (!token) return;
    event.detail.headers["X-CSRFToken"] = token;
    if (event.detail.parameters.csrfmiddlewaretoken) event.detail.parameters.csrfmiddlewaretoken = token;
  });
  function newestToken() {
    const found = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
    const field = document.querySelector("input[name=csrfmiddlewaretoken]");
    return found ? found.slice("csrftoken=".length) : field ? field.value : "";
  }
  // Before other listeners: elsewhere the page goes to the log-in by itself, here it stays with what is typed on it.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const xhr = event.detail.xhr;
    if (isLogIn(xhr.responseURL) && ours()) {
      event.detail.shouldSwap = false;
      event.stopImmediatePropagation();
      lost = true; // logging in elsewhere brings it back
      const form = event.detail.requestConfig && event.detail.requestConfig.elt;
      if (form && mayRepeat(form) && !waiting) waiting = { form: form, typed: serialise(form), tries: 0 };
      ended();
      return;
    }
    if (xhr.status === 409 || xhr.status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
    if (!LOST.includes(xhr.status)) arrive(event.detail.requestConfig && event.detail.requestConfig.elt);
  }, true);
  function arrive(element) {
    if (waiting && waiting.form === element) {
      clearTimeout(waiting.timer);
      waiting = null;
    }
    back();
  }
  document.addEventListener("htmx:sendError", (event) => lose(event.detail.elt));
  document.addEventListener("htmx:timeout", (event) => lose(event.detail.elt));
  document.addEventListener("htmx:responseError", function (event) {
    const status = event.detail.xhr.status;
    if (!ours()) return;
    if (LOST.includes(status)) lose(event.detail.elt);
    else if (status === 403) say("The server refused this. You may be logged in as somebody else, or your role has changed. What you typed is kept.");
    else if (status === 404) say("The server does not know this any more: it was removed, or you are no longer a member. What you typed is kept.");
    else say("The server answered with an error (" + status + "). What you typed is kept; try again.");
  });
  document.addEventListener("nexa:lost", () => { if (!waiting) lose(null); });
  document.addEventListener("nexa:ended", function () {
    lost = true;
    ended();
  });
  document.addEventListener("nexa:reached", back);

  // A form that is sent by the browser itself would end on the browser's own error page.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (navigator.onLine || form.hasAttribute("hx-post") || !form.querySelector("[data-draft]") && !form.matches("[data-draft]")) return;
    event.preventDefault();
    say("No connection to the server. What you typed is kept; send it again when it is back.");
  }, true);

  // --- what is held: asked for again on coming back, let go of on leaving

  const held = () => document.querySelector("[data-held]");
  function askHeld() {
    if (held() && window.htmx) window.htmx.trigger(held(), "nexa-back");
    else document.dispatchEvent(new CustomEvent("nexa:online"));
  }
  window.addEventListener("pagehide", function () {
    const place = held();
    if (!place || !place.dataset.heldUntil) return;
    const data = new FormData();
    data.set("csrfmiddlewaretoken", newestToken());
    data.set("until", place.dataset.heldUntil);
    place.dataset.held.split(" ").forEach((prompt) => data.append("prompt", prompt));
    navigator.sendBeacon(place.dataset.releaseUrl, data);
  });
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) askHeld();
  });
})();
