/** Bundles the browser's scripts: `npm run build`. The same sources give the same bytes. */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** @param {string} path from the static folder */
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  charset: /** @type {const} */ ("utf8"),
  legalComments: /** @type {const} */ ("none"),
  logLevel: /** @type {const} */ ("info"),
};

// Drawn before the page is, so a plain script; the learn page's own waits for the document.
await build({ ...common, entryPoints: [at("src/theme.js")], outfile: at("dist/theme.js"), format: "iife" });
for (const name of ["passkeys", "dashboard"]) {
  await build({ ...common, entryPoints: [at(`src/${name}.js`)], outfile: at(`dist/${name}.js`), format: "iife" });
}
for (const name of ["copying", "guest-drafts", "offline", "printed", "search", "trace", "learn", "lesson-editor", "tutor"]) {
  await build({ ...common, entryPoints: [at(`src/${name}.js`)], outfile: at(`dist/${name}.js`), format: "esm" });
}
await build({ ...common, entryPoints: [at("src/worker/service-worker.js")], outfile: at("dist/service-worker.js"), format: "iife" });
