/* The calendar: an entry is dragged to another day, or moved with the keys. Without this file its own link does the same. */
(() => {
  "use strict";
  const board = () => document.getElementById("calendar");
  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
  const say = (text) => {
    const place = document.getElementById("calendar-said");
    if (place) place.textContent = text;
  };
  const word = (name, title) => (board().dataset[name] || "").replace("{title}", title);

  let held = null; // the entry in hand: its link
  let aim = null; // the day under it
  let byKeys = false;
  let landed = ""; // which entry to come back to once the calendar is there anew

  const point = (place) => {
    if (aim === place) return;
    if (aim) aim.classList.remove("aimed", "refuses");
    aim = place;
    if (!aim) return;
    aim.classList.add("aimed");
    aim.classList.toggle("refuses", "over" in aim.dataset);
  };
  const lift = (piece) => {
    held = piece;
    piece.closest(".piece").classList.add("lifted");
  };
  const letGo = () => {
    if (held) held.closest(".piece").classList.remove("lifted");
    point(null);
    held = null;
    byKeys = false;
  };
  const put = (piece, place) => {
    letGo();
    if (!place || place.dataset.day === piece.dataset.day) return say(word("wordLeft", piece.dataset.title));
    if ("over" in place.dataset) return say(word("wordOver", ""));
    landed = piece.dataset.piece;
    window.htmx.ajax("POST", piece.dataset.move, {
      target: "#calendar",
      swap: "outerHTML",
      values: { day: place.dataset.day, seen: piece.dataset.day },
    });
  };

  /* Dragging. */
  document.addEventListener("dragstart", (event) => {
    const piece = closest(event, "[data-piece]");
    if (!piece) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", piece.dataset.title);
    letGo();
    held = piece;
    setTimeout(() => held === piece && lift(piece)); // a browser gives a drag up when what is dragged changes at once
  });
  document.addEventListener("dragover", (event) => {
    if (!held || byKeys) return;
    const place = closest(event, "#calendar [data-day]:not([data-piece])");
    point(place);
    if (!place || "over" in place.dataset) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  });
  document.addEventListener("drop", (event) => {
    if (!held || byKeys) return;
    event.preventDefault();
    put(held, aim);
  });
  document.addEventListener("dragend", () => {
    if (!byKeys) letGo();
  });

  /* Keys: the space bar picks an entry up, the arrows choose the day, Enter puts it there, Escape leaves it. */
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  const go = (by) => {
    const days = [...board().querySelectorAll(".day")].filter((day) => day.offsetParent !== null);
    const turned = document.documentElement.dir === "rtl" && Math.abs(by) === 1 ? -by : by;
    let here = days.indexOf(aim);
    if (here < 0) {
      here = days.findIndex((day) => day.classList.contains("today") || !("over" in day.dataset));
      if (here < 0) return;
      point(days[here]);
    } else {
      point(days[Math.min(Math.max(here + turned, 0), days.length - 1)]);
    }
    aim.scrollIntoView({ block: "nearest" });
    say("over" in aim.dataset ? `${aim.dataset.word}. ${word("wordOver", "")}` : aim.dataset.word);
  };
  document.addEventListener("keydown", (event) => {
    if (held && byKeys) {
      const piece = held;
      if (event.key in steps) go(steps[event.key]);
      else if (event.key === "Enter" || event.key === " ") put(piece, aim);
      else if (event.key === "Escape" || event.key === "Tab") {
        letGo();
        say(word("wordLeft", piece.dataset.title));
        if (event.key === "Tab") return;
      } else return;
      event.preventDefault();
      return;
    }
    const piece = closest(event, "[data-piece]");
    if (!piece || event.key !== " " || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byKeys = true;
    lift(piece);
    point(piece.closest(".day"));
    say(word("wordPicked", piece.dataset.title));
  });
  document.addEventListener("focusout", (event) => {
    if (byKeys && held && event.target === held && event.relatedTarget) letGo();
  });

  /* A click on the empty part of a day adds something there. */
  document.addEventListener("click", (event) => {
    const day = event.target instanceof Element && event.target.matches(".day, .day-head, .day > .pieces") ? closest(event, ".day") : null;
    const add = day && day.querySelector(".add");
    if (add && window.matchMedia("(min-width: 820px)").matches) add.click();
  });

  /* What was said of the last deed goes when the next one begins. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === board()) document.getElementById("messages").replaceChildren();
  });

  /* The calendar is there anew: say what happened, and come back to the entry. */
  document.addEventListener("htmx:afterSwap", () => {
    const fresh = board();
    if (!fresh) return;
    if (fresh.dataset.said) say(fresh.dataset.said);
    const piece = landed && fresh.querySelector(`[data-piece="${CSS.escape(landed)}"]`);
    landed = "";
    if (!piece) return;
    piece.closest(".piece").classList.add("landed");
    piece.focus({ preventScroll: true });
    piece.scrollIntoView({ block: "nearest" });
  });
})();
