import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import { precompress } from './build/precompress.ts';

/** Where `npm run dev` finds a homeserver to pass API calls on to. */
const HOMESERVER_URL = process.env['BLINKCHAT_DEV_HOMESERVER'] ?? 'http://localhost:8008';

export default defineConfig({
  plugins: [vue(), precompress()],
  root: import.meta.dirname,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  worker: { format: 'es' },
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __INTLIFY_JIT_COMPILATION__: 'true',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'false',
  },
  server: { proxy: { '/_matrix': { target: HOMESERVER_URL, ws: true }, '/.well-known': HOMESERVER_URL } },
});
