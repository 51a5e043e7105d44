/**
 * Keeps lessons readable without a network: what was visited is shown as it last was.
 *
 * The network comes first, always; what is kept is for when it does not answer. Only pages of courses are
 * kept, with the styles, scripts and figures they need. They show whose progress it is, so they are dropped
 * when their reader signs out or somebody else reads (see offline.js).
 */

const PAGES = "lessons";
const FILES = "files";
const OFFLINE = ["/en/offline/", "/zh-hans/offline/"]; // in each language of the site
const MOST_PAGES = 100;
const MOST_FILES = 500;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => {
  // Without cookies: they are about nobody, and must not become the language that was last read.
  const anonymous = OFFLINE.map((page) => new Request(page, { credentials: "omit" }));
  event.waitUntil(caches.open(FILES).then((files) => files.addAll(anonymous)).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("message", (event) => {
  // A page that was open before there was a worker, and what it was made of.
  if (Array.isArray(event.data?.keep)) event.waitUntil(keepAll(event.data.keep));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== worker.location.origin) return;
  if (request.method === "POST") {
    if (/\/accounts\/(logout|erase)\/$/.test(pathname)) event.waitUntil(caches.delete(PAGES));
    return;
  }
  if (request.method !== "GET") return;
  if (isFile(pathname)) event.respondWith(networkFirst(request, FILES));
  else if (request.mode === "navigate") event.respondWith(visit(request, pathname));
});

/** @param {string} pathname */
function isFile(pathname) {
  return pathname.startsWith("/static/") || pathname.startsWith("/images/");
}

/** @param {string} pathname of a course, a chapter or a lesson, in a language */
function isLesson(pathname) {
  return /^\/[\w-]+\/courses\/[^/]+\/([^/]+\/){0,2}$/.test(pathname) && !pathname.endsWith("/listings/");
}

/** @param {Request} request @param {string} cache @returns {Promise<Response>} */
async function networkFirst(request, cache) {
  try {
    const response = await fetch(request);
    // Whether there is room for it is no matter of the reader's, who need not wait for that either.
    if (response.status === 200 && response.type === "basic") keep(cache, request, response.clone()).catch(() => {});
    return response;
  } catch (error) {
    const kept = await caches.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

/** A page: as it is, or as it was, or the page that says why there is none. @param {Request} request @param {string} pathname */
async function visit(request, pathname) {
  try {
    return isLesson(pathname) ? await networkFirst(request, PAGES) : await fetch(request);
  } catch (error) {
    const own = OFFLINE.find((page) => page.split("/")[1] === pathname.split("/")[1]) ?? OFFLINE[0];
    const told = await caches.match(own, { ignoreVary: true });
    if (told) return told;
    throw error;
  }
}

/** @param {string[]} urls */
async function keepAll(urls) {
  const own = urls.map((url) => new URL(url)).filter(({ origin }) => origin === worker.location.origin);
  await Promise.all(
    own.map(async ({ href, pathname }) => {
      const cache = isFile(pathname) ? FILES : isLesson(pathname) ? PAGES : null;
      if (!cache) return;
      const response = await fetch(href, { credentials: "same-origin" }).catch(() => null);
      if (response?.ok) await keep(cache, new Request(href), response);
    }),
  );
}

/** @param {string} name @param {Request} request @param {Response} response */
async function keep(name, request, response) {
  if (/no-store/.test(response.headers.get("Cache-Control") ?? "")) return; // a draft, say
  const cache = await caches.open(name);
  await cache.delete(request, { ignoreVary: true });
  await cache.put(request, response);
  const keys = await cache.keys();
  const most = name === PAGES ? MOST_PAGES : MOST_FILES;
  // The oldest go first, but for the pages that say that there is no network.
  const old = keys.filter(({ url }) => !url.endsWith("/offline/")).slice(0, Math.max(0, keys.length - most));
  await Promise.all(old.map((key) => cache.delete(key)));
}
