/** Small choices this browser remembers. A browser that keeps nothing forgets them with the page. */

/** @param {() => Storage} storage @param {string} key @returns {string | null} */
export function recall(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** @param {() => Storage} storage @param {string} key @param {string | null} value null: forget it */
export function remember(storage, key, value) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // Nothing depends on it.
  }
}

export const local = () => localStorage;
export const session = () => sessionStorage;
