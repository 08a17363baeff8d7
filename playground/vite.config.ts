import { defineConfig } from "vite";

// Addresses are relative, so that the page works below any path prefix. Nothing becomes a `data:`
// address, since every file then has its own cached name. The one script needs no polyfill that
// would be an inline script.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../service/playground",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
  // `npm run dev` beside `make serve`.
  server: { proxy: { "/v1": "http://127.0.0.1:8000" } },
});
