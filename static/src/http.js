/** Talking JSON with the site. */

/** The site answered, but not with what was asked for. */
export class Refused extends Error {
  /** @param {number} status @param {any} body the answer's JSON, or null @param {number | null} retryAfter seconds */
  constructor(status, body, retryAfter) {
    super(body?.error?.message ?? "");
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
    /** What the site found wrong first, in words; "" when it named nothing. @type {string} */
    this.detail = body?.error?.details?.validation_errors?.[0]?.message ?? "";
  }
}

/**
 * @typedef {(method: string, url: string, body?: unknown, options?: {keepalive?: boolean}) => Promise<any>} Call
 *   resolves to the answer's JSON; throws Refused, or TypeError when the site cannot be reached
 */

/**
 * @param {() => string} csrfToken
 * @param {{fetch?: typeof fetch, timeout?: number}} [options] timeout in milliseconds
 * @returns {Call}
 */
export function jsonCaller(csrfToken, { fetch: send = globalThis.fetch.bind(globalThis), timeout = 20_000 } = {}) {
  return async (method, url, body, { keepalive = false } = {}) => {
    const response = await send(url, {
      method,
      keepalive,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(method === "GET" ? {} : { "Content-Type": "application/json", "X-CSRFToken": csrfToken() }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Refused(response.status, answer, Number(response.headers.get("Retry-After")) || null);
    if (answer === null) throw new Refused(502, null, null);
    return answer;
  };
}

/**
 * A piece of a page, as the site's templates draw it.
 *
 * @param {string} url @returns {Promise<string>} throws Refused, or TypeError when the site cannot be reached
 */
export async function fetchHtml(url) {
  const response = await fetch(url, {
    credentials: "same-origin",
    headers: { Accept: "text/html", "HX-Request": "true" },
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Refused(response.status, null, Number(response.headers.get("Retry-After")) || null);
  return response.text();
}

/**
 * The token as Django keeps it: the cookie follows a sign-in in another tab, the page's field does not.
 *
 * @returns {string}
 */
export function csrfToken() {
  const cookie = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie);
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=csrfmiddlewaretoken]"));
  return cookie?.[1] ?? field?.value ?? "";
}
