// Keys, polls only of what is seen, and a word when the server is gone. Everything works without this file.
"use strict";

function inView(element) {
  const box = element.getBoundingClientRect();
  return box.bottom >= 0 && box.top <= window.innerHeight;
}

// A part of the page refreshes itself only while somebody can see it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (element.hasAttribute("data-visible") && (document.hidden || !inView(element))) event.preventDefault();
});

function lost(is) {
  document.getElementById("lost").hidden = !is;
}
document.addEventListener("htmx:sendError", () => lost(true));
document.addEventListener("htmx:afterOnLoad", () => lost(false));
document.addEventListener("htmx:responseError", () => lost(true));

// A log stays at its end while new lines arrive, unless its reader has scrolled up.
let atEnd = true;
document.addEventListener("htmx:beforeSwap", () => {
  const log = document.querySelector(".log");
  atEnd = !log || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
});
document.addEventListener("htmx:afterSwap", () => {
  const log = document.querySelector(".log");
  if (log && atEnd) log.scrollTop = log.scrollHeight;
});

document.addEventListener("click", (event) => {
  const to = event.target.closest && event.target.closest("[data-goes]");
  if (to) window.location.assign(to.getAttribute("data-goes"));
});

function rows() {
  return [...document.querySelectorAll("main tbody a[href]")].filter((it) => it === it.closest("tr").querySelector("a[href]"));
}

function step(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  if (next) {
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}

let pressed = "";
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing) return;
  const keys = pressed ? `${pressed} ${event.key}` : event.key;
  const link = document.querySelector(`[data-key="${CSS.escape(keys).replace(/\\ /g, " ")}"]`);
  pressed = event.key === "g" && !pressed ? "g" : "";
  if (link) link.click();
  else if (event.key === "/") {
    const filter = document.querySelector("input[type=search], select");
    if (!filter) return;
    event.preventDefault();
    filter.focus();
  } else if (event.key === "j" && keys === "j") step(1);
  else if (event.key === "k" && keys === "k") step(-1);
});
