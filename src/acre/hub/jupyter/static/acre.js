// What the pages of Acre do beyond HTML: no library, no build, one module for all pages.
// Text from the server is only ever put in as text.

const { page, hub, xsrf, user } = document.body.dataset;
const find = (id) => document.getElementById(id);
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Ask the hub; a refusal becomes an Error whose message can be shown to people. */
async function ask(method, path) {
  let answer;
  try {
    answer = await fetch(hub + "api/" + path, { method, headers: { "X-XSRFToken": xsrf, Accept: "application/json" } });
  } catch {
    throw new Error("Acre does not answer. Check your connection and try again.");
  }
  if (answer.ok) return answer;
  if (answer.status === 401 || answer.status === 403) {
    throw new Error("You are no longer signed in here. Load this page again.");
  }
  const told = await answer.json().catch(() => ({}));
  throw new Error(`${told.message || "Acre could not do this"} (${answer.status}). Try again.`);
}

/** Load the page anew as soon as nothing is starting or stopping. */
async function reloadWhenSettled() {
  for (;;) {
    await pause(1000);
    const person = await (await ask("GET", `users/${user}`)).json();
    if (!person.servers?.[""]?.pending) return location.reload();
  }
}

function openMenu() {
  const menu = document.querySelector(".menu");
  if (!menu) return;
  document.addEventListener("click", (event) => menu.contains(event.target) || (menu.open = false));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

function offerToReveal() {
  for (const button of document.querySelectorAll(".reveal")) {
    const field = find(button.dataset.reveals);
    const word = button.querySelector(".word");
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      word.textContent = shown ? "Show" : "Hide";
    });
  }
}

function compareRepeated() {
  for (const again of document.querySelectorAll("[data-same-as]")) {
    const first = find(again.dataset.sameAs);
    const compare = () => again.setCustomValidity(again.value === first.value ? "" : "The two passwords differ.");
    first.addEventListener("input", compare);
    again.addEventListener("input", compare);
  }
}

function sendOnce() {
  for (const button of document.querySelectorAll("button[data-busy]")) {
    const word = button.textContent;
    button.form.addEventListener("submit", () => {
      button.disabled = true;
      button.textContent = button.dataset.busy;
    });
    // Going back shows the page as it was left, busy button included.
    window.addEventListener("pageshow", () => {
      button.disabled = false;
      button.textContent = word;
    });
  }
}

function login() {
  find("insecure").hidden = window.isSecureContext;
}

/** Take the invitation out of the address, where it would stay in the history and over the shoulder. */
function welcome() {
  const take = () => {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (!code) return;
    find("code").value = code;
    find("code-field").hidden = true;
    find("password").focus();
    history.replaceState(null, "", location.pathname + location.search);
  };
  window.addEventListener("hashchange", take);
  take();
}

function home() {
  const status = find("status");
  const say = (error) => (status.textContent = error.message);
  const stop = find("stop");
  const dialog = find("stop-dialog");
  const stopServer = async () => {
    stop.disabled = true;
    status.textContent = "Stopping your server …";
    try {
      await ask("DELETE", `users/${user}/server`);
      await reloadWhenSettled();
    } catch (error) {
      stop.disabled = false;
      say(error);
    }
  };
  const state = document.querySelector(".server").dataset.state;
  if (state === "starting" || state === "stopping") reloadWhenSettled().catch(say);
  if (!stop) return;
  stop.hidden = false;
  stop.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", () => dialog.returnValue === "stop" && stopServer());
}

/** JupyterHub puts the kind of failure in front of the sentence that was meant for people. */
function plainReason(message = "") {
  return message.replace(/^Spawn failed:? ?/, "").replace(/^\d{3} \w+\(reason=.*?\): /, "") || "No reason was given.";
}

function pending() {
  const status = find("status");
  const bar = find("bar");
  const source = new EventSource(find("pending").dataset.progress);

  const fail = (reason) => {
    source.close();
    document.title = "Server did not start · Acre";
    find("heading").textContent = "Your server did not start";
    find("reason").textContent = reason;
    for (const id of ["lead", "bar", "status", "stop"]) find(id).hidden = true;
    find("failure").hidden = find("again").hidden = false;
    find("again").search = location.search;
  };

  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.message) {
      const item = document.createElement("li");
      item.textContent = event.message;
      find("log").append(item);
    }
    if (event.failed) return fail(plainReason(event.message));
    if (event.ready) {
      source.close();
      status.textContent = "Ready. Opening JupyterLab …";
      bar.value = 100;
      return location.reload();
    }
    if (event.message) status.textContent = event.message;
    if (event.progress !== undefined) bar.value = event.progress;
  };

  source.onerror = async () => {
    if (source.readyState !== EventSource.CLOSED) {
      status.textContent = "The connection was lost. Trying again …";
      return;
    }
    // The hub has nothing more to tell: what this page has become is for the hub to say.
    await pause(2000);
    location.reload();
  };

  const stop = find("stop");
  stop.hidden = false;
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    status.textContent = "Stopping …";
    try {
      const name = encodeURIComponent(stop.dataset.server);
      await ask("DELETE", name ? `users/${user}/servers/${name}` : `users/${user}/server`);
      location.assign(hub + "home");
    } catch (error) {
      stop.disabled = false;
      status.textContent = error.message;
    }
  });
}

/** A redirect counter in the address would make the next attempt from here give up sooner. */
function error() {
  const address = new URL(location.href);
  if (!address.searchParams.has("redirects")) return;
  address.searchParams.delete("redirects");
  history.replaceState(null, "", address);
}

const pages = { login, welcome, home, pending, error };

openMenu();
offerToReveal();
compareRepeated();
sendOnce();
pages[page]?.();
