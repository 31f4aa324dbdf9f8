// Keys, refreshes only of what is seen, and a word when the server is gone.
"use strict";

function inView(element) {
  const box = element.getBoundingClientRect();
  return box.bottom >= 0 && box.top <= window.innerHeight;
}

// A part of the page refreshes itself only while somebody can see it; a list only while it has its first rows alone.
document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  const rows = element.rows ? element.rows.length : undefined;
  if (rows > Number(element.dataset.first ?? Infinity)) event.preventDefault();
  if (!element.hasAttribute("data-visible") || rows === 0) return;
  // When a run is over, its log is read once more, in view or not: the page does not say less of it than of its state.
  const over = element.matches("[data-log]") && document.querySelector("#now[data-over]");
  const wanted = over ? element.dataset.over !== over.dataset.over : element.dataset.visible === "page" || inView(element);
  if (document.hidden || !wanted) event.preventDefault();
});

// What a finger or a mouse button is down on is not replaced meanwhile: a click on what is gone does nothing.
let down = null;
document.addEventListener("pointerdown", (event) => { down = event.target; });
for (const name of ["pointerup", "pointercancel"]) {
  // The click comes after it.
  document.addEventListener(name, () => setTimeout(() => { down = null; }));
}
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (down && target.hasAttribute("data-visible") && target.contains(down)) event.detail.shouldSwap = false;
});

// A double click sends a form once: the answer to the second could only be that its dead letter is gone.
let sent = -Infinity;
document.addEventListener("submit", (event) => {
  if (event.timeStamp - sent < 3000) event.preventDefault();
  else sent = event.timeStamp;
});

function lost(is) {
  document.getElementById("lost").hidden = !is;
}
document.addEventListener("htmx:afterRequest", (event) => lost(!event.detail.successful));

// A log that somebody reads above its end, or marks, is left as it is; the others stay at their end, where they are read.
const places = new Map();
const atEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
const marked = (log) => {
  const selection = document.getSelection();
  return !!selection && !selection.isCollapsed && log.contains(selection.anchorNode);
};
document.addEventListener("htmx:beforeSwap", (event) => {
  for (const log of document.querySelectorAll(".log")) places.set(log.id, atEnd(log) ? null : log.scrollTop);
  const logs = event.detail.target.matches("[data-log]") ? [...event.detail.target.querySelectorAll(".log")] : [];
  if (logs.some((log) => !atEnd(log) || marked(log))) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSwap", () => {
  for (const log of document.querySelectorAll(".log")) log.scrollTop = places.get(log.id) ?? log.scrollHeight;
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

// Single keys can be switched off, for those who speak or whose hand trembles.
const keys = document.getElementById("keys");
keys.checked = localStorage.getItem("keys") !== "off";
keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));

let pressed = "";
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey || !keys.checked) return;
  if (event.key === "Escape" && typing) {
    // A browser would empty the filter and leave the list filtered.
    event.preventDefault();
    event.target.blur();
  }
  if (typing) return;
  const typed = pressed ? `${pressed} ${event.key}` : event.key;
  const link = document.querySelector(`[data-key="${CSS.escape(typed).replace(/\\ /g, " ")}"]`);
  pressed = event.key === "g" && !pressed ? "g" : "";
  if (link) link.click();
  else if (event.key === "/") {
    const filter = document.querySelector("input[type=search], select");
    if (!filter) return;
    event.preventDefault();
    filter.focus();
  } else if (event.key === "j" && typed === "j") step(1);
  else if (event.key === "k" && typed === "k") step(-1);
});
