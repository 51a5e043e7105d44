/** The page's texts. They come with the template, translated; the scripts hold none. */

/**
 * Reads `<template id="workbench-messages"><span data-message="ok">…</span>…`.
 *
 * @param {HTMLTemplateElement} template
 * @returns {Map<string, string>}
 */
export function readMessages(template) {
  const messages = new Map();
  for (const element of template.content.querySelectorAll("[data-message]")) {
    messages.set(element.getAttribute("data-message"), element.textContent ?? "");
  }
  return messages;
}

/**
 * @param {Map<string, string>} messages
 * @returns {import("./reports.js").Translate} fills `{name}` in; an unknown key shows itself
 */
export function translator(messages) {
  return (key, values = {}) =>
    (messages.get(key) ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
