// What every page has beside Streamlit: the presentation view, the keys of a clicker, and names for what is read aloud.
// It runs before Streamlit does, so that the first frame is the right one.

{
  const root = document.documentElement, MENU = 768; // pixels of width up to which Streamlit's menu covers the page
  const parameter = (name) => new URL(location.href).searchParams.get(name);
  const isTyping = (node) => node?.isContentEditable || /^(textarea|select)$/i.test(node?.tagName) ||
    (node?.tagName === "INPUT" && !/^(range|button|checkbox|radio)$/.test(node.type));

  function put(parameters) { // null takes one out
    const here = new URL(location.href);
    for (const [name, text] of Object.entries(parameters)) {
      if (text === null) here.searchParams.delete(name);
      else here.searchParams.set(name, text);
    }
    return here;
  }

  function present(on) {
    history.replaceState(history.state, "", put({ present: on ? "1" : null }));
    show();
  }

  const show = () => {
    root.classList.toggle("present", parameter("present") === "1");
    root.classList.toggle("embedded", parameter("embed") === "true");
  };

  async function unpack(text) { // the links of a talk, as ui/shell/share.py writes them
    const raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
    return (await new Response(stream).text()).split("\n").filter(Boolean);
  }

  async function turn(by) { // to the next or the previous link of the visitor's list
    const talk = parameter("talk"), links = talk ? await unpack(talk).catch(() => []) : [];
    const at = parameter("step") === null ? (by > 0 ? 0 : -1) : Number(parameter("step")) + by;
    if (!links[at]) return;
    const [page, ...query] = links[at].split("?"), there = new URL(location.origin);
    there.pathname = location.pathname.replace(/[^/]*$/, page.split(/[\\/]/).pop()); // of this app, whatever a link says
    there.search = query.join("?");
    there.searchParams.set("talk", talk);
    there.searchParams.set("step", String(at));
    if (parameter("present")) there.searchParams.set("present", "1");
    location.assign(there);
  }

  addEventListener("keydown", (event) => {
    const node = event.composedPath()[0];
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(node)) return;
    if (event.key === "PageDown" || event.key === "PageUp") { // a slider would move
      if (window.parent !== window && !parameter("talk")) return; // they are the deck's around this page
      if (!parameter("talk") && !root.classList.contains("present") && node?.type !== "range" && node?.role !== "slider") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      turn(event.key === "PageDown" ? 1 : -1);
    } else if (event.key?.toLowerCase() === "p") present(!root.classList.contains("present"));
    else if (event.key === "Escape" && root.classList.contains("present")) present(false);
  }, true);

  addEventListener("click", (event) => { // our buttons that need no server
    const made = event.composedPath().find((node) => node.dataset?.does);
    if (made?.dataset.does === "present") present(true);
    if (made?.dataset.does === "copy") copy(made);
  });

  async function copy(made) {
    const text = put({ step: null, talk: null, present: null }).href;
    try {
      await navigator.clipboard.writeText(text);
      made.textContent = "Copied";
    } catch { prompt("Copy this link", text); } // where the browser gives no access, as over plain HTTP
    setTimeout(() => { made.textContent = made.dataset.says; }, 2000);
  }

  // Where the list of pages covers the page, Streamlit folds it at a press beside it, but not at a choice in it
  addEventListener("click", (event) => {
    if (innerWidth > MENU || !event.target.closest?.("[data-testid=stSidebar] a")) return;
    document.querySelector("[data-testid=stMain]")?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
  });

  new MutationObserver(() => {
    const list = document.querySelector("[data-testid=stSidebarUserContent]:not([role])");
    list?.setAttribute("role", "navigation");
    list?.setAttribute("aria-label", "Pages");
    document.querySelectorAll(".stPagination [role=navigation]").forEach((node, k) => { // Streamlit calls all of them alike
      if (k) node.setAttribute("aria-label", `Pagination ${k + 1}`);
    });
  }).observe(root, { childList: true, subtree: true });

  addEventListener("popstate", show);
  for (const change of ["pushState", "replaceState"]) { // Streamlit writes the address too
    const plain = history[change].bind(history);
    history[change] = (...all) => { plain(...all); show(); };
  }
  show();
}
