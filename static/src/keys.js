/** The keys of the learn page. */

/**
 * @param {{run: () => void, check: () => void, stop: () => void, hint: () => void, help: () => void}} actions
 */
export function listenForKeys({ run, check, stop, hint, help }) {
  // Before the editor, which has an Enter of its own.
  document.addEventListener(
    "keydown",
    (event) => {
      const action = actionOf(event);
      if (!action || document.querySelector("dialog[open]")) return;
      if (action === "help" && isTyping(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      if (event.repeat) return;
      ({ run, check, stop, hint, help })[action]();
    },
    { capture: true },
  );
}

/**
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey" | "isComposing">} event
 * @returns {"run" | "check" | "stop" | "hint" | "help" | null}
 */
export function actionOf({ key, ctrlKey, metaKey, shiftKey, altKey, isComposing }) {
  if (isComposing) return null;
  if (altKey) return key === "Enter" && !ctrlKey && !metaKey ? "hint" : null;
  if (ctrlKey || metaKey) return key === "Enter" ? (shiftKey ? "check" : "run") : key === "." ? "stop" : null;
  return key === "?" || key === "？" ? "help" : null;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

/** Name the keys as this machine's keyboard does. @param {ParentNode} root */
export function nameKeys(root) {
  if (!/Mac|iPhone|iPad/.test(navigator.platform)) return;
  for (const key of root.querySelectorAll("kbd[data-mod]")) key.textContent = "⌘";
}
