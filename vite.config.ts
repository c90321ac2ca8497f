import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The pages, built into static files that the server serves; nothing is fetched from elsewhere. Each page is a chunk of its own.
export default defineConfig({
  root: 'src/web',
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../../build/web',
    emptyOutDir: true,
    target: 'es2024',
    sourcemap: false,
    // The wire's schemas are for the server: a browser gets its types, which are nothing, and none of the checks.
    rolldownOptions: { treeshake: { moduleSideEffects: (id) => !/\/src\/(?:contract|domain)\//.test(id) } },
    // The component library, and the charts that only the map of a kernel loads: about 500 kB each before compression.
    chunkSizeWarningLimit: 1000,
  },
});
