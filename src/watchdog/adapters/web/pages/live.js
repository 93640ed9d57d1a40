// Where the server has news, the page is asked for again and its content exchanged. Nothing is sent but GET.
(function () {
  "use strict";
  if (!window.EventSource || !document.querySelector("main[data-live]")) return;
  var busy = false, again = false;
  function place(element) {
    return element && element.id ? element.id : null;
  }
  function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    fetch(location.href, { credentials: "same-origin", cache: "no-store" })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(answer.status); })
      .then(function (text) {
        var next = new DOMParser().parseFromString(text, "text/html");
        var old = document.querySelector("main"), fresh = next.querySelector("main");
        var active = document.activeElement;
        if (!fresh || (active && active.tagName === "SELECT")) return;
        var open = Array.prototype.map.call(old.querySelectorAll("details[open][id]"), place);
        var focused = place(active);
        old.replaceWith(document.adoptNode(fresh));
        ["header", "footer"].forEach(function (name) {
          var shown = document.querySelector(name), later = next.querySelector(name);
          if (shown && later) shown.replaceWith(document.adoptNode(later));
        });
        open.forEach(function (id) {
          var one = document.getElementById(id);
          if (one) one.open = true;
        });
        var back = focused && document.getElementById(focused);
        if (back) back.focus({ preventScroll: true });
        document.title = next.title;
      })
      .catch(function () { /* the next news, or the reader, tries again */ })
      .then(function () {
        busy = false;
        if (again) { again = false; refresh(); }
      });
  }
  new EventSource("/events").addEventListener("news", refresh);
})();
