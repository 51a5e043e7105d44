/** Lessons without a network: starts the service worker, and sees to it that it keeps nobody else's pages. */

const PAGES = "lessons"; // as in service-worker.js
const READER = "reader";
const script = /** @type {HTMLElement | null} */ (document.querySelector("script[data-offline]"));

/** Pages that somebody else's account is on are dropped; a guest's show nobody. @param {string} reader */
async function dropPagesOfOthers(reader) {
  try {
    const before = localStorage.getItem(READER) ?? "";
    if (before && before !== reader) await caches.delete(PAGES);
    localStorage.setItem(READER, reader);
  } catch {
    await caches.delete(PAGES);
  }
}

/** What this page is made of, for a worker that was not there yet when it loaded. */
function madeOf() {
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const figures = Array.from(document.images, (image) => image.src);
  return [location.href.split("#")[0], ...loaded, ...figures].filter((url) => url.startsWith(`${location.origin}/`));
}

/** The offline page lists what can be read. @param {HTMLElement} list */
async function listKept(list) {
  const cache = await caches.open(PAGES);
  for (const request of [...(await cache.keys())].reverse()) {
    const response = await cache.match(request, { ignoreVary: true });
    const title = /<title>([^<]*?)(?: · HelloAgents)?<\/title>/.exec((await response?.text()) ?? "")?.[1];
    const link = document.createElement("a");
    link.href = new URL(request.url).pathname;
    link.textContent = new DOMParser().parseFromString(title ?? link.href, "text/html").documentElement.textContent;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  list.parentElement?.toggleAttribute("hidden", list.children.length === 0);
}

async function start() {
  if (!script || !("serviceWorker" in navigator) || !("caches" in globalThis)) return;
  const list = /** @type {HTMLElement | null} */ (document.querySelector("[data-kept]"));
  if (list) {
    await listKept(list);
    return; // it may be shown for a page of anybody's
  }
  await dropPagesOfOthers(script.dataset.reader ?? "");
  await navigator.serviceWorker.register(script.dataset.worker ?? "");
  if (!navigator.serviceWorker.controller) {
    const registration = await navigator.serviceWorker.ready;
    registration.active?.postMessage({ keep: madeOf() });
  }
}

// A browser that does not want one has the site as it is.
start().catch(() => {});
