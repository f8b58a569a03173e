// Makes pages faster to use; none of them needs it.

const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

/** Shows the copy buttons and lets them work. */
function enableCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      const label = button.firstChild;
      const before = label.textContent;
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        label.textContent = "Copied";
      } catch {
        label.textContent = "Not allowed";
      }
      setTimeout(() => { label.textContent = before; }, 1500);
    });
  }
}

/** j and k move, x selects, r resolves; the select-all box. */
function enableList(form) {
  const rows = [...form.querySelectorAll("[data-row]")];
  const boxes = rows.map((row) => row.querySelector("input[type=checkbox]")).filter(Boolean);
  const all = form.querySelector("[data-all]");
  let current = -1;

  for (const hint of form.querySelectorAll(".keys, [data-all-label]")) hint.hidden = false;
  all?.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });

  const move = (step) => {
    rows[current]?.removeAttribute("data-current");
    current = Math.min(Math.max(current + step, 0), rows.length - 1);
    rows[current].setAttribute("data-current", "");
    rows[current].querySelector("a.title").focus();
  };
  const select = () => {
    if (boxes[current]) boxes[current].checked = !boxes[current].checked;
  };
  const resolve = () => {
    const button = form.querySelector("button[value=resolved]");
    if (!button) return;
    if (!boxes.some((box) => box.checked)) select();
    if (boxes.some((box) => box.checked)) form.requestSubmit(button);
  };
  return { j: () => move(1), k: () => move(-1), x: select, r: resolve };
}

/** Keys of elements that say theirs: links to other events, the resolve button. */
function namedKeys() {
  const keys = {};
  for (const element of document.querySelectorAll("[data-key]")) {
    keys[element.dataset.key] = () => element.click();
  }
  return keys;
}

function enableKeys() {
  const list = document.querySelector("[data-list]");
  const search = document.querySelector("input[type=search]");
  const keys = { ...namedKeys(), ...(list ? enableList(list) : {}) };
  if (search) keys["/"] = () => search.focus();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** Asks every two seconds for the first issue, slower while nobody looks. */
function waitForFirstIssue(box) {
  const show = ({ url, title }) => {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = title;
    const text = document.createElement("p");
    const strong = document.createElement("b");
    strong.textContent = "It works.";
    text.append(strong, " The first issue: ", link);
    box.classList.add("done");
    box.replaceChildren(text);
  };
  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.poll, { headers: { accept: "application/json" } });
      if (answer.redirected) return location.reload();
      const first = answer.ok ? await answer.json() : {};
      if (first.url) return show(first);
    } catch {
      // The server restarts or the network is away: ask again.
    }
    setTimeout(ask, document.hidden ? 10000 : 2000);
  };
  ask();
}

/** Menus close when something else is clicked, or with Escape. */
function closeMenus() {
  const close = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => close(event.target));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(null); });
}

enableCopying();
enableKeys();
closeMenus();
for (const box of document.querySelectorAll("[data-poll]")) waitForFirstIssue(box);
