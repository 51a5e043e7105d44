/** Tells in words when a passkey could not be used; speaking with the browser is allauth's part. */

const trouble = /** @type {HTMLElement | null} */ (document.querySelector("[data-passkey-trouble]"));

/** @param {string | undefined} sentence */
function tell(sentence) {
  if (!trouble) return;
  /** @type {HTMLElement} */ (trouble.querySelector("p")).textContent = sentence ?? "";
  trouble.hidden = false;
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  tell(window.PublicKeyCredential ? trouble?.dataset.passkeyTrouble : trouble?.dataset.passkeyUnknown);
});
