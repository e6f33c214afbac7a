/* The portal's own behaviour. Every page works without it; this only smooths the way. */
(() => {
  "use strict";

  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

  /* Where one is stands in sight, also in a long navigation. */
  const entries = document.querySelector("nav.side .entries");
  const here = entries && entries.querySelector("[aria-current]");
  if (here && here.offsetTop + here.offsetHeight > entries.offsetTop + entries.clientHeight) {
    entries.scrollTop = here.offsetTop - entries.offsetTop - entries.clientHeight / 2;
  }

  /* Menus made of <details> close when one looks elsewhere. */
  const menus = "details[data-closes][open], details.drop[open]";
  document.addEventListener("click", (event) => {
    document.querySelectorAll(menus).forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(menus).forEach((menu) => {
      const held = menu.contains(document.activeElement);
      menu.open = false;
      if (held) menu.querySelector("summary").focus();
    });
  });

  /* A form is sent once. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    if (form.method !== "post" || form.hasAttribute("hx-post") || form.closest("[hx-boost=true]") || form.dataset.again !== undefined) return;
    form.dataset.sent = "yes";
    form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-busy", "true"));
    /* A form that answers with a file leaves the page as it is: it may be sent again. */
    setTimeout(() => ready(form), 5000);
  });
  const ready = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  };
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(ready));

  /* Choosing a filter sends it; a box can tick a whole column; a link can be copied. */
  document.addEventListener("change", (event) => {
    const field = closest(event, "[data-sends]");
    if (field && field.form) field.form.requestSubmit();
    const all = closest(event, "[data-ticks]");
    if (all) {
      document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(all.dataset.ticks)}"]`).forEach((box) => {
        box.checked = all.checked;
      });
    }
    count();
    fitting();
  });
  /* What another choice has no use for stays out of sight; what was typed there is kept. */
  const fitting = () => document.querySelectorAll("[data-with]").forEach((place) => {
    const chosen = place.closest("form").elements[place.dataset.with];
    if (chosen) place.hidden = !place.dataset.when.split(" ").includes(chosen.value) && !place.querySelector(".error");
  });
  fitting();
  window.addEventListener("pageshow", fitting);
  /* A choice that goes with another one until somebody makes it by hand. */
  document.addEventListener("change", (event) => {
    const own = closest(event, "[data-follows]");
    if (own) return own.removeAttribute("data-follows");
    const { name, value, form } = event.target;
    if (!name || !form) return;
    form.querySelectorAll(`[data-follows="${CSS.escape(name)}"] input[type=radio]`).forEach((choice) => {
      if (choice.value === value) choice.checked = true;
    });
  });
  /* How many boxes of a column are ticked, also after coming back to a page that remembers them. */
  const count = () => document.querySelectorAll("[data-counts]").forEach((place) => {
    const ticked = document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(place.dataset.counts)}"]:checked`).length;
    const said = place.dataset.word.replace("{n}", ticked);
    if (place.textContent !== said) place.textContent = said;
  });
  window.addEventListener("pageshow", count);
  document.addEventListener("htmx:afterSwap", count);
  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-copies]");
    if (!button || !navigator.clipboard) return;
    navigator.clipboard.writeText(button.dataset.copies).then(() => say(button.dataset.done || "✓", "success"));
  });

  /* Words kept as a snippet go where the cursor stands. */
  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-inserts]");
    const field = button && document.getElementById(button.dataset.into);
    if (!field) return;
    field.setRangeText(button.dataset.inserts, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  /* Messages that arrive without a page. */
  const say = (text, level) => {
    const place = document.getElementById("messages");
    if (!place || !text) return;
    const list = document.createElement("ul");
    list.className = "messages";
    const item = document.createElement("li");
    item.className = `message ${level}`;
    item.textContent = text;
    list.append(item);
    place.replaceChildren(list);
    item.scrollIntoView({ block: "nearest" });
  };
  const words = document.documentElement.dataset;
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401 || event.detail.xhr.status === 403) say(words.wordForbidden, "error");
    else say(words.wordFailed, "error");
  });
  document.addEventListener("htmx:sendError", () => say(words.wordOffline, "error"));
  /* What came back wrong is where the eye should go. */
  const toErrors = (root) => {
    const summary = root.querySelector(".error-summary, .alert-block");
    if (!summary) return;
    summary.tabIndex = -1;
    summary.focus();
  };
  document.addEventListener("htmx:afterSwap", (event) => toErrors(event.detail.target));
  toErrors(document);
  /* `/` looks for something, where the page can. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (closest(event, "input, textarea, select, [contenteditable]")) return;
    const field = document.querySelector("input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
})();
