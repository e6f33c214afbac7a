/* The editor of an edition: items are dragged to their place, and the preview follows what changes. */
(() => {
  "use strict";
  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
  let held = null;
  let mark = null; // the item before which the one in hand would go
  let after = false; // or behind the last one

  const point = (item, behind) => {
    document.querySelectorAll(".item.before, .item.behind").forEach((one) => one.classList.remove("before", "behind"));
    mark = item;
    after = behind;
    if (item && item !== held) item.classList.add(behind ? "behind" : "before");
  };
  const letGo = () => {
    if (held) held.classList.remove("lifted");
    point(null, false);
    held = null;
  };

  document.addEventListener("dragstart", (event) => {
    const item = closest(event, "[data-item]");
    if (!item) return;
    held = item;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", item.dataset.item);
    item.classList.add("lifted");
  });
  document.addEventListener("dragover", (event) => {
    const row = held && held.closest("[data-section]");
    const over = row && closest(event, "[data-item]");
    if (!over || over.closest("[data-section]") !== row) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    const box = over.getBoundingClientRect();
    const low = event.clientY > box.top + box.height / 2;
    const next = over.nextElementSibling;
    if (low && next) point(next, false);
    else point(over, low);
  });
  document.addEventListener("drop", (event) => {
    if (!held || !mark) return;
    event.preventDefault();
    const item = held;
    const before = after ? "" : mark.dataset.item;
    letGo();
    if (before === item.dataset.item) return;
    window.htmx.ajax("POST", item.dataset.place, { target: "#items", swap: "outerHTML", values: { before } });
  });
  document.addEventListener("dragend", letGo);

  /* After a change: say it, come back to the button that was pressed, and show the mail as it is now. */
  let pressed = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    const button = event.target instanceof Element && event.target.querySelector("#items [data-key]");
    pressed = button ? button.dataset.key : "";
  });
  const show = () => {
    const frame = document.getElementById("shown");
    if (frame && frame.contentWindow) frame.contentWindow.location.reload();
  };
  document.addEventListener("htmx:afterSwap", (event) => {
    const items = event.detail.target && event.detail.target.id === "items" ? document.getElementById("items") : null;
    if (items) {
      const place = document.getElementById("editor-said");
      if (place) place.textContent = items.dataset.said;
      const item = items.dataset.landed && items.querySelector(`[data-item="${CSS.escape(items.dataset.landed)}"]`);
      if (item) {
        item.classList.add("landed");
        const button = pressed && item.querySelector(`[data-key="${pressed}"]`);
        const other = item.querySelector("[data-key]:not([disabled])");
        if (pressed) (button && !button.disabled ? button : other).focus({ preventScroll: true });
      }
      pressed = "";
      show();
    } else if (document.querySelector("#saved[data-fresh]")) {
      document.getElementById("saved").removeAttribute("data-fresh");
      show();
    }
  });
})();
