// Where the server has news, the page is asked for again and its content exchanged; where it does not answer, the page
// says so and asks on. Nothing is sent but GET.
(function () {
  "use strict";
  if (!window.EventSource || !document.querySelector("main[data-live]")) return;
  var PATIENCE = 10000;  // ms that an answer may take
  var SILENCE = 40000;  // ms without a sign of life (one comes every 15 s) after which a connection is taken for dead
  var FIRST = 2000, LONGEST = 30000;  // ms between attempts while there is no answer: doubled each time
  var AT_ONCE = 500;  // ms until a page that was live asks for news again
  var FULL = 15000;  // ms until a page that found no place among the live ones tries again
  var NOT_LIVE = "This page is not live now: it tries again within 20 seconds. Reload it to see what is new.";
  var stream = null, silent = null, heard = Date.now();
  var busy = false, again = false, asking = false, failures = 0, missed = false;

  function place(element) {
    return element && element.id ? element.id : null;
  }

  function later(wait, what) {
    window.setTimeout(what, wait * (1 + Math.random() / 3));  // not everybody at once
  }

  function exchange(text) {
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
    note();
  }

  // Resolves with "" once the page is new, else with what is wrong.
  function load() {
    var limit = new AbortController(), timer = window.setTimeout(function () { limit.abort(); }, PATIENCE);
    return fetch(location.href, { credentials: "same-origin", cache: "no-store", signal: limit.signal })
      .then(function (answer) {
        if (!answer.ok) return "the watchdog answers " + answer.status;
        return answer.text().then(function (text) { exchange(text); return ""; });
      })
      .catch(function () { return "no answer from the watchdog"; })
      .then(function (wrong) { window.clearTimeout(timer); return wrong; });
  }

  function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    load().then(function (wrong) {
      busy = false;
      if (wrong) lost(Date.now(), true);
      else if (again) { again = false; refresh(); }
    });
  }

  // Shows the text in the element of that id, made where there is none; "" takes it away.
  function say(id, role, text, put) {
    var one = document.getElementById(id);
    if (!text) { if (one) one.remove(); return; }
    if (!one) {
      one = document.createElement("p");
      one.id = id;
      one.setAttribute("role", role);
      put(one);
    }
    if (one.textContent !== text) one.textContent = text;
  }

  function banner(text) {
    say("lost", "alert", text, function (one) { document.body.prepend(one); });
  }

  function note() {
    say("not-live", "status", missed ? NOT_LIVE : "", function (one) {
      var footer = document.querySelector("footer");
      if (footer) footer.append(one);
    });
  }

  function alive() {
    heard = Date.now();
    window.clearTimeout(silent);
    silent = window.setTimeout(function () { lost(heard, true); }, SILENCE);
  }

  // No news come any more. Whether the watchdog is gone, or has no place for one more, the page itself tells.
  function lost(since, wasOpen) {
    window.clearTimeout(silent);
    if (stream) stream.close();
    stream = null;
    if (asking) return;
    asking = true;
    ask(since, wasOpen);
  }

  function ask(since, wasOpen) {
    load().then(function (wrong) {
      if (wrong) {
        banner(wrong + " since " + new Date(since).toISOString().slice(11, 19) + " UTC; what stands here may be old");
        later(Math.min(FIRST * Math.pow(2, failures++), LONGEST), function () { ask(since, wasOpen); });
        return;
      }
      missed = !wasOpen && !failures;
      failures = 0;
      asking = false;
      banner("");
      note();
      later(missed ? FULL : AT_ONCE, function () { follow(false); });
    });
  }

  function follow(first) {
    var opened = false;
    stream = new EventSource("/events");
    stream.addEventListener("open", function () {
      opened = true;
      missed = false;
      note();
      alive();
      if (!first) refresh();  // what was told before this moment is not told again
    });
    stream.addEventListener("news", function () { alive(); refresh(); });
    stream.addEventListener("quiet", alive);
    stream.addEventListener("error", function () { lost(Date.now(), opened); });
  }

  follow(true);
})();
