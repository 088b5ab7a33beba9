// What is typed and not sent yet: kept in this browser with every letter and on the server soon after, and put back.
// Any element with [data-draft] keeps the fields in it; without this file the server fills the form all the same.
// Says with events on the element what it did: nexa:restored; and listens to nexa:online, when the server is back.
(function () {
  "use strict";

  const PAUSE = 1200; // how long somebody pauses in typing before it goes to the server, ms
  const OLDEST = 30 * 24 * 3600 * 1000;
  const states = new WeakMap(); // element → {timer, sending, again, dirty, seen, before}

  const holders = () => Array.from(document.querySelectorAll("[data-draft]"));
  const key = (holder) => ["nexa-draft", holder.dataset.draftUser, holder.dataset.draft, holder.dataset.draftResponse].join(":");

  function state(holder) {
    if (!states.has(holder)) states.set(holder, { seen: holder.dataset.draftSeen, before: read(holder) });
    return states.get(holder);
  }
  const FIELDS = "input[name]:not([type=submit], [type=button], [type=file], [data-tab]), select[name]:not([data-pick]), textarea[name]";
  const fieldsOf = (holder) => Array.from(holder.querySelectorAll(FIELDS)).filter((field) =>
    !field.disabled && (field.type !== "hidden" || field.hasAttribute("data-draft-field")));

  function read(holder) {
    const fields = {};
    fieldsOf(holder).forEach(function (field) {
      const values = fields[field.name] = fields[field.name] || [];
      if (!/^(radio|checkbox)$/.test(field.type) || field.checked) values.push(field.value);
    });
    return fields;
  }
  function write(holder, fields) {
    fieldsOf(holder).forEach(function (field) {
      const values = fields[field.name];
      if (!values || field.type === "hidden") return;
      if (/^(radio|checkbox)$/.test(field.type)) field.checked = values.includes(field.value);
      else field.value = values[0] || "";
    });
    openEdited(holder);
    holder.dispatchEvent(new CustomEvent("nexa:restored", { bubbles: true }));
  }
  const same = (one, other) => JSON.stringify(one).replace(/\\r\\n/g, "\\n") === JSON.stringify(other).replace(/\\r\\n/g, "\\n");

  // What is typed in a fold is in sight when it is back.
  function openEdited(holder) {
    const field = holder.querySelector("[data-original]");
    const original = field && document.getElementById(field.dataset.original);
    if (original && field.value.trimEnd() !== original.value.trimEnd()) field.closest("details").open = true;
  }
  function say(holder, words) {
    const note = (holder.closest("form") || holder).querySelector("[data-draft-note]");
    if (note) note.textContent = words;
    return note;
  }

  // --- in this browser

  function remember(holder, more) {
    const kept = Object.assign({ at: Date.now(), made: holder.dataset.draftMade, sent: false, fields: read(holder) }, more);
    try {
      localStorage.setItem(key(holder), JSON.stringify(kept));
      return true;
    } catch (error) {
      return false; // full, or switched off
    }
  }
  function recall(holder) {
    try {
      return JSON.parse(localStorage.getItem(key(holder)));
    } catch (error) {
      return null;
    }
  }
  function forget(holder) {
    clearTimeout(state(holder).timer);
    Object.assign(state(holder), { dirty: false, again: false });
    try {
      localStorage.removeItem(key(holder));
    } catch (error) {
      // switched off: there is nothing to forget
    }
  }
  function forgetOld() {
    try {
      Object.keys(localStorage).filter((name) => name.startsWith("nexa-draft:")).forEach(function (name) {
        const kept = JSON.parse(localStorage.getItem(name));
        if (!kept || !kept.at || Date.now() - kept.at > OLDEST) localStorage.removeItem(name);
      });
    } catch (error) {
      // switched off, or somebody else's words under our name
    }
  }

  // --- on the server

  function body(holder, fields, made) {
    const data = new FormData();
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    data.set("csrfmiddlewaretoken", cookie("csrftoken") || (token ? token.value : ""));
    data.set("typed_by", holder.dataset.draftUser); // another account may be logged in here by now
    data.set("draft_form", holder.dataset.draft);
    data.set("draft_response", holder.dataset.draftResponse);
    data.set("draft_made", made);
    data.set("draft_seen", state(holder).seen || "");
    Object.entries(fields).forEach(([name, values]) => values.forEach((value) => data.append(name, value)));
    return data;
  }
  function cookie(name) {
    const found = document.cookie.split("; ").find((each) => each.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  // One at a time for each element, so that the newest is the last to arrive.
  async function send(holder, made) {
    const own = state(holder);
    if (own.sending) {
      own.again = true;
      return;
    }
    clearTimeout(own.timer);
    const fields = read(holder);
    own.sending = new AbortController();
    own.dirty = false;
    try {
      const data = body(holder, fields, made || holder.dataset.draftMade);
      const keepalive = JSON.stringify(fields).length < 20000; // browsers finish small ones even when the page is left
      const options = { method: "POST", body: data, redirect: "manual", signal: own.sending.signal, keepalive: keepalive };
      await arrived(holder, fields, await fetch(holder.dataset.draftUrl, options));
    } catch (error) {
      if (error.name !== "AbortError") {
        own.dirty = true;
        holder.dispatchEvent(new CustomEvent("nexa:lost", { bubbles: true }));
      }
    } finally {
      own.sending = null;
    }
    if (own.again) {
      own.again = false;
      send(holder);
    }
  }
  async function arrived(holder, fields, answer) {
    const own = state(holder);
    if (answer.type === "opaqueredirect") {
      own.dirty = true;
      holder.dispatchEvent(new CustomEvent("nexa:ended", { bubbles: true }));
      return;
    }
    if (answer.status === 413) {
      say(holder, "Too long for a draft on the server; kept in this browser.");
      return;
    }
    if (!answer.ok) {
      own.dirty = true;
      const why = answer.status === 403 ? "you may be logged in as somebody else" : "the server answered " + answer.status;
      say(holder, "Draft kept in this browser only; " + why + ".");
      return;
    }
    const said = await answer.json();
    holder.dispatchEvent(new CustomEvent("nexa:reached", { bubbles: true }));
    if (!said.kept) {
      if (own.restored && same(read(holder), own.restored)) putAway(holder);
      return;
    }
    own.seen = said.at;
    own.restored = null;
    if (same(read(holder), fields)) remember(holder, { sent: true, arrived: said.at });
    say(holder, "Draft saved.");
    const other = said.replaced && ofThisForm(holder, said.replaced);
    // What this page had sent when it was left may have come in after it was loaded again: that is no other window's.
    if (other && !(own.had && same(other, own.had))) offer(holder, other);
  }

  // What came back here was typed before this person's last submit, elsewhere: it does not stand in the new form.
  function putAway(holder) {
    const own = state(holder), old = own.restored;
    own.restored = null;
    write(holder, own.before);
    forget(holder);
    const note = say(holder, "You submitted since you typed here. ");
    if (note) note.append(button("Put in what you had typed", () => write(holder, old)));
  }
  // Another window or device had left something that this one did not know of.
  function ofThisForm(holder, kept) {
    const prefix = "r" + holder.dataset.draftResponse + "-";
    const fields = {};
    fieldsOf(holder).forEach(function (field) {
      const values = kept[field.name.startsWith(prefix) ? field.name.slice(prefix.length) : field.name];
      fields[field.name] = values || [];
    });
    return fields;
  }
  function offer(holder, fields) {
    const note = say(holder, "Draft saved, in place of one that you typed in another window. ");
    if (note) {
      note.append(button("Put that in", function () {
        write(holder, fields);
        changed(holder);
      }));
    }
  }
  function button(words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-link btn-sm";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  // --- typing, coming and going

  function changed(holder) {
    const own = state(holder);
    own.dirty = true;
    own.restored = null;
    const kept = remember(holder);
    say(holder, kept ? "Draft kept." : "This browser keeps no drafts; the server does.");
    clearTimeout(own.timer);
    own.timer = setTimeout(() => send(holder), PAUSE);
  }
  function keep(event) {
    const holder = event.target.closest("[data-draft]");
    const told = event.type === "change" && /^text/.test(event.target.type); // every letter of it was input
    if (holder && event.target.name && event.target.type !== "hidden" && !told) changed(holder);
  }
  document.addEventListener("input", keep);
  document.addEventListener("change", keep);

  function restore(holder) {
    if (states.has(holder)) return false;
    const own = state(holder), kept = recall(holder);
    own.had = kept && kept.fields;
    if (holder.hasAttribute("data-draft-typed")) { // what was just sent stands in it: nothing is newer
      remember(holder);
      own.dirty = true;
      own.timer = setTimeout(() => send(holder), PAUSE);
      return false;
    }
    if (!kept || !kept.fields) return false;
    if (kept.sent && !overtaken(holder, kept)) { // the server had it: what it shows now is as new, or newer
      forget(holder);
      return false;
    }
    const typed = Object.fromEntries(Object.keys(own.before).map((name) => [name, kept.fields[name] || []]));
    if (same(typed, own.before)) return false;
    own.restored = kept.fields;
    own.dirty = true;
    write(holder, kept.fields);
    own.timer = setTimeout(() => send(holder, kept.made), 0);
    return true;
  }
  // A page that was asked for as the draft was on its way may be made without it.
  const RACE = 10000; // ms
  function overtaken(holder, kept) {
    const late = Date.parse(holder.dataset.draftMade) - Date.parse(kept.arrived) < RACE;
    return late && kept.arrived > (holder.dataset.draftSeen || "");
  }
  function restoreAll() {
    const back = holders().filter(restore);
    back.forEach((holder) => say(holder, "Your draft is back."));
  }
  // Leaving within the pause: what is not on the server yet goes there on its own.
  const dirtyOnes = () => holders().filter((each) => state(each).dirty && !state(each).submitted);
  function flush() {
    dirtyOnes().forEach(function (holder) {
      clearTimeout(state(holder).timer);
      navigator.sendBeacon(holder.dataset.draftUrl, body(holder, read(holder), holder.dataset.draftMade));
    });
  }

  // A submit ends the draft: nothing may arrive after it.
  const within = (form) => holders().filter((holder) => form.contains(holder) || holder.contains(form));
  document.addEventListener("submit", function (event) {
    if (event.target.id === "drop-draft-form") holders().filter((each) => each.dataset.draft === "review").forEach(forget);
    within(event.target).forEach(function (holder) {
      const own = state(holder);
      clearTimeout(own.timer);
      if (own.sending) own.sending.abort();
      own.again = false;
      own.submitted = true;
      remember(holder);
    });
  }, true);
  document.addEventListener("htmx:afterRequest", function (event) {
    const form = event.detail.elt;
    if (!form.matches || !form.matches("form")) return;
    within(form).forEach((holder) => Object.assign(state(holder), { submitted: false, dirty: true }));
  });
  // A page that came as an answer to a submit tells that it was taken in; only the log-in page tells the opposite.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const xhr = event.detail.xhr, form = event.detail.requestConfig.elt;
    const logIn = xhr.responseURL && new URL(xhr.responseURL).pathname === document.body.dataset.login;
    if (!form.matches("form") || logIn || xhr.status >= 300) return;
    within(form).filter((holder) => holder.dataset.draft !== "review").forEach(forget);
  }, true);
  // A decision says itself which responses it was about: not every answer to a submit means that it is stored.
  document.addEventListener("review-saved", function (event) {
    const responses = (event.detail.responses || []).map(String);
    holders().filter((each) => each.dataset.draft === "review" && responses.includes(each.dataset.draftResponse)).forEach(forget);
    responses.forEach((response) => forgetNamed("review:" + response));
  });
  function forgetNamed(end) {
    try {
      Object.keys(localStorage).filter((name) => name.startsWith("nexa-draft:") && name.endsWith(":" + end))
        .forEach((name) => localStorage.removeItem(name));
    } catch (error) {
      // switched off
    }
  }

  document.addEventListener("htmx:afterSettle", restoreAll);
  document.addEventListener("nexa:online", () => dirtyOnes().forEach((each) => send(each)));
  document.addEventListener("DOMContentLoaded", function () {
    forgetOld();
    restoreAll();
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) dirtyOnes().forEach((each) => send(each)); });
  window.addEventListener("pagehide", flush);
})();
