/* What is typed into a field with data-draft survives a lost connection: it is kept in this browser until it is posted. */
(() => {
  "use strict";
  const store = window.localStorage;
  document.querySelectorAll("[data-draft-done]").forEach((done) => {
    done.dataset.draftDone.split(" ").forEach((name) => store.removeItem(`draft:${name}`));
  });
  document.querySelectorAll("[data-draft]").forEach((field) => {
    const name = `draft:${field.dataset.draft}`;
    const kept = store.getItem(name);
    if (kept && !field.value) field.value = kept;
    field.addEventListener("input", () => {
      if (field.value) store.setItem(name, field.value);
      else store.removeItem(name);
    });
  });
})();
