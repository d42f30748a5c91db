// The service worker. It shows the offline page when there is no connection, and passes shared files to the convert page.
// It caches only the offline page and its styles, which are the same for all users: never users' pages or results.
// The server puts the definition of `site` before this script: URLs, and a cache name that changes with the content.

const worker = /** @type {any} */ (self);
const MINE = "imagesite-";
const PATIENCE = 60_000; // milliseconds to wait until the page asks for the shared files

/** @type {File[]} */
let shared = [];
let handedOver = () => {};

async function install() {
  const cache = await caches.open(site.cache);
  await cache.addAll(site.kept.map((url) => new Request(url, { cache: "reload" })));
  await worker.skipWaiting();
}

async function forgetOlder() {
  for (const name of await caches.keys()) if (name.startsWith(MINE) && name !== site.cache) await caches.delete(name);
}

async function activate() {
  await forgetOlder();
  if (site.isOff) await worker.registration.unregister();
  else await worker.clients.claim();
}

/** @param {Request} request */
async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(site.offline)) ?? Response.error();
  }
}

/** @param {Request} request */
const style = async (request) => (await caches.match(request)) ?? fetch(request);

/** @param {Request} request */
async function receive(request) {
  const form = await request.formData();
  shared.push(...form.getAll("images").filter((part) => part instanceof File));
  return Response.redirect(site.taker, 303);
}

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(site.isOff ? worker.skipWaiting() : install()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || site.isOff) return;
  if (request.method === "POST" && pathname === site.share) {
    event.respondWith(receive(request));
    event.waitUntil(new Promise((resolve) => {
      handedOver = () => resolve(null);
      setTimeout(handedOver, PATIENCE);
    }));
  } else if (request.method === "GET" && request.mode === "navigate" && site.pages.includes(pathname)) {
    event.respondWith(page(request));
  } else if (site.kept.includes(pathname)) {
    event.respondWith(style(request));
  } else if (request.method === "DELETE") {
    event.respondWith(fetch(request)); // otherwise the request is lost if its page is being closed
  }
});
worker.addEventListener("message", (/** @type {any} */ event) => {
  event.source.postMessage(shared);
  shared = [];
  handedOver();
});
