// Each slider moves with the number beside it.
(function () {
  "use strict";

  document.addEventListener("input", function (event) {
    const slider = event.target.closest("input[data-slides]");
    if (slider) {
      document.getElementById(slider.dataset.slides).value = slider.value;
      return;
    }
    const beside = document.querySelector('input[data-slides="' + CSS.escape(event.target.id) + '"]');
    if (beside && event.target.value.trim() !== "" && !isNaN(event.target.value)) beside.value = event.target.value;
  });
})();
