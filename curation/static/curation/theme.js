// Puts the chosen theme on the page before it is drawn. "auto" follows the system. The admin reads the same choice.
(function () {
  "use strict";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
  }

  function apply() {
    const theme = chosen();
    const dark = theme === "dark" || (theme === "auto" && system.matches);
    document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
    document.documentElement.setAttribute("data-theme", theme);
  }

  window.nexaTheme = {
    chosen,
    choose(theme) {
      try { localStorage.setItem("theme", theme); } catch { /* private mode: it holds for this page */ }
      apply();
    },
  };
  system.addEventListener("change", apply);
  apply();
})();
