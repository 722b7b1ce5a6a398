// How the console is built: hashed files under dist/assets, nothing inlined (the content security policy allows no
// data: URL) and nothing from another host. Types are checked apart: `npx tsc -p apps/console`.
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: { conditions: ['@tospann/source', 'module', 'browser', 'production', 'default'] },
  build: {
    target: 'es2022',
    outDir: 'dist',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
});
