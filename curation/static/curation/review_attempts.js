// Comfort around the other answers on the review page: taking from them, comparing, and from a claim to its source.
// Everything here works without this file too: tabs by CSS, the rest by buttons that send the form.
(function () {
  "use strict";

  const card = (element) => element.closest(".rv-card");
  const edit = (of) => of.querySelector("textarea[data-original]");
  const plain = (text) => text.normalize("NFC").replace(/\r\n?/g, "\n").replace(/[ \t]+$/gm, "").trimEnd();

  // --- the answers as they are written on the page

  function textOf(answer) {
    const copy = answer.cloneNode(true);
    copy.querySelectorAll("button, .claim-tag").forEach((each) => each.remove());
    return copy.textContent;
  }
  const originalOf = (of) => {
    const text = edit(of);
    return text ? document.getElementById(text.dataset.original).value : textOf(of.querySelector("[data-answer]"));
  };

  // --- taking a sentence or step: at the cursor if there was one, else at the end; a step gets its number

  const STEP = /^\s*(?:\d{1,3}[.)]|[-*•–])\s+(?=\S)/;
  const NUMBER = /^(\s*)(\d{1,3})([.)]\s+)/;

  function put(text, words) {
    // insertText keeps the browser's own undo; where it is gone, setRangeText does the same without.
    if (!document.execCommand("insertText", false, words)) {
      text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
  function takePart(of, part) {
    const text = edit(of);
    const step = STEP.test(part);
    let at = text.dataset.cursor === undefined ? text.value.length : Number(text.dataset.cursor);
    const lineEnd = (from) => { const end = text.value.indexOf("\n", from); return end < 0 ? text.value.length : end; };
    const numbered = text.value.slice(0, at).split("\n").concat(text.value.slice(at, lineEnd(at))).some((l) => NUMBER.test(l));
    if (step || numbered) at = lineEnd(at);
    const before = text.value.slice(0, at), after = text.value.slice(at);
    let words = part;
    let rest = after;
    if (step) {
      const last = before.split("\n").reverse().map((line) => NUMBER.exec(line)).find(Boolean);
      if (last) {
        words = last[1] + (Number(last[2]) + 1) + last[3] + part.replace(STEP, "");
        rest = renumber(after, Number(last[2]) + 1);
      }
    }
    const empty = !before.trim();
    const glue = empty ? "" : step || numbered ? (before.endsWith("\n") ? "" : "\n") : (/\s$/.test(before) ? "" : " ");
    const tail = !step && !numbered && rest && !/^\s/.test(rest) ? " " : "";
    text.focus({ preventScroll: true });
    text.setSelectionRange(empty ? 0 : before.length, text.value.length);
    put(text, glue + words + tail + rest);
    const end = (empty ? 0 : before.length) + glue.length + words.length;
    text.setSelectionRange(end, end);
    text.dataset.cursor = end;
  }
  function renumber(text, last) {
    let next = last;
    return text.split("\n").map(function (line) {
      const number = NUMBER.exec(line);
      if (!number || Number(number[2]) !== next) return line;
      next += 1;
      return number[1] + next + number[3] + line.slice(number[0].length);
    }).join("\n");
  }
  function takeAll(of, whole) {
    const text = edit(of);
    text.focus({ preventScroll: true });
    text.setSelectionRange(0, text.value.length);
    put(text, whole);
    delete text.dataset.cursor;
  }
  function take(button) {
    const of = card(button), answer = button.closest("section, details").querySelector("[data-answer]");
    const fold = of.querySelector("[data-edit]");
    const wasOpen = fold.open;
    fold.open = true;
    if (button.hasAttribute("data-take-all")) takeAll(of, textOf(answer));
    else takePart(of, button.previousElementSibling.textContent);
    button.classList.add("taken");
    if (!wasOpen) fold.scrollIntoView({ block: "nearest" });
    button.focus({ preventScroll: true });
    say(button.hasAttribute("data-take-all") ? "The edit has this text now." : "Taken into the edit.");
  }
  function say(words) {
    const note = document.querySelector("[data-draft-note]");
    if (note) note.textContent = words;
  }
  document.addEventListener("focusout", function (event) {
    if (event.target.matches("textarea[data-original]")) event.target.dataset.cursor = event.target.selectionEnd;
  });

  // --- does the method, as it stands, test the hypothesis as it stands?

  function drawMismatch() {
    const [first, second] = document.querySelectorAll(".rv-card");
    const note = second && second.querySelector("[data-mismatch]");
    if (!note || !first.querySelector("[data-answer]") || !second.querySelector("[data-answer]")) return;
    const now = (of) => plain(edit(of) ? edit(of).value : originalOf(of));
    const edited = [first, second].some((of) => edit(of) && now(of) !== plain(originalOf(of)));
    const whose = Array.from(second.querySelectorAll("section [data-answer], details [data-answer]"))
      .find((answer) => plain(textOf(answer)) === now(second));
    const asked = whose && plain(originalOf(second)) !== now(second) ? whose.dataset.asked : second.dataset.asked;
    const current = first.dataset.response;
    const hypothesis = asked && (asked === current ? originalOf(first) : answerText(first, asked));
    note.hidden = !edited || !hypothesis || plain(hypothesis) === now(first);
  }
  function answerText(of, pk) {
    const answer = of.querySelector('section [data-answer="' + pk + '"], details [data-answer="' + pk + '"]');
    return answer ? textOf(answer) : "";
  }
  document.addEventListener("input", function (event) {
    if (event.target.matches("textarea[data-original]")) drawMismatch();
  });

  // --- tabs and comparing

  function compare(of) {
    const button = of.querySelector("[data-compare]");
    if (button) button.click();
  }
  // Looking at another answer decides nothing and is no draft: nobody else hears of it.
  window.addEventListener("change", function (event) {
    if (!event.target.matches("[data-tab], [data-pick]")) return;
    event.stopPropagation();
    if (event.target.matches("[data-tab]")) card(event.target).querySelector(".rv-scroll").scrollTop = 0;
    if (event.target.matches('[data-tab="compare"], [data-pick]')) compare(card(event.target));
  }, true);
  window.addEventListener("input", function (event) {
    if (event.target.matches("[data-tab], [data-pick]")) event.stopPropagation();
  }, true);
  // j and k, called by review.js with the card at hand; a card without other answers gives way to one that has some.
  function move(of, by) {
    const all = [of, ...document.querySelectorAll(".rv-card")].find((each) => each && each.querySelector("[data-tabs]"));
    if (!all) return;
    const tabs = Array.from(all.querySelectorAll("[data-tab]"));
    const here = tabs.findIndex((tab) => tab.checked);
    const next = tabs[Math.min(tabs.length - 1, Math.max(0, here + by))];
    if (next.checked) return;
    next.checked = true;
    next.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // --- from a claim to the sentence of the source that it leans on, and back

  let lit = [];
  function light(elements) {
    lit.forEach((each) => each.classList.remove("rv-lit"));
    lit = elements;
    lit.forEach((each) => each.classList.add("rv-lit"));
  }
  function toSource(anchors) {
    const targets = anchors.map((id) => document.getElementById(id)).filter(Boolean);
    if (!targets.length) return;
    const fold = targets[0].closest("details");
    if (fold) fold.open = true;
    light(targets);
    const mark = targets[0].nextElementSibling || targets[0];
    mark.scrollIntoView({ block: "center" });
  }
  function toClaim(anchor) {
    const claims = Array.from(document.querySelectorAll('[data-leans~="' + anchor + '"]'));
    const seen = claims.filter((claim) => claim.getClientRects().length);
    if (!seen.length) return false;
    light(claims);
    seen[0].scrollIntoView({ block: "center" });
    return true;
  }
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[name=take]");
    if (button) {
      event.preventDefault();
      take(button);
      return;
    }
    const back = event.target.closest('a[href^="#claim-"]');
    if (back && toClaim(back.hash.slice("#claim-".length))) {
      event.preventDefault();
      return;
    }
    const claim = event.target.closest(".rv-claim[data-leans]");
    if (claim && !event.target.closest("a") && window.getSelection().isCollapsed) {
      toSource(claim.dataset.leans.trim().split(/\s+/));
    }
  });

  document.addEventListener("htmx:afterSettle", drawMismatch);
  document.addEventListener("DOMContentLoaded", drawMismatch);
  window.nexaAttempts = { move };
})();
