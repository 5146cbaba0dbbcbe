// Everything here is a comfort: every page reads and every act works without it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;

  const isDark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const showTheme = () => document.querySelectorAll("[data-theme-toggle]")
    .forEach((button) => button.setAttribute("aria-pressed", String(isDark())));

  const copy = async (button) => {
    const words = button.textContent;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = root.lang === "en" ? "Copied" : "已复制";
    setTimeout(() => { button.textContent = words; }, 1500);
  };

  // A popover opens in the middle of the screen; put it beside its mark instead.
  const place = (body, button) => {
    const at = button.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, innerWidth - body.offsetWidth - 8));
    const below = at.bottom + 6 + body.offsetHeight < innerHeight;
    body.style.left = `${left}px`;
    body.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - body.offsetHeight - 6)}px`;
  };

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-theme-toggle]")) {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private mode: for this page only */ }
      showTheme();
    }
    const copier = on("[data-copy]");
    if (copier) copy(copier);
    if (on("[data-close]")) on("dialog")?.close();
    if (event.target.tagName === "DIALOG") event.target.close();
    const back = on("[data-back]");
    // History brings the filled-in form back; following the link would not.
    if (back && history.length > 1) { event.preventDefault(); history.back(); }
  });

  document.addEventListener("toggle", (event) => {
    if (event.newState !== "open" || !event.target.matches?.("[popover]")) return;
    place(event.target, document.querySelector(`[popovertarget="${event.target.id}"]`));
  }, true);
  addEventListener("scroll", () => document.querySelectorAll(".mark-body:popover-open")
    .forEach((body) => body.hidePopover()), { passive: true });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) { event.preventDefault(); return; }
    if (!form.matches("[data-guard]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.classList.add("is-busy");
  });
  // A page restored by the back button is open for another try.
  addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.classList.remove("is-busy");
  }));

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "panel-body") return;
    const panel = document.getElementById("panel");
    if (!panel.open) panel.showModal();
  });

  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    // On a narrow screen the entries at the top scroll: the present one is brought into sight.
    document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    // What follows # never reaches a server: a secret in a link goes from there into its field.
    const secret = document.querySelector("input[data-from-hash]");
    if (secret && location.hash) {
      secret.value = decodeURIComponent(location.hash.slice(1));
      history.replaceState(null, "", location.pathname + location.search);
    }
    document.querySelector("[data-first-error]")?.focus();
  });
})();
