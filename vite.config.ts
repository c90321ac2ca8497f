import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The one page, built into static files that the server serves; nothing is fetched from elsewhere.
export default defineConfig({
  root: 'src/web',
  base: './',
  plugins: [react()],
  build: {
    outDir: '../../build/web',
    emptyOutDir: true,
    target: 'es2024',
    sourcemap: false,
    // One page with its whole component library, read from this server: about 500 kB before compression.
    chunkSizeWarningLimit: 1000,
  },
});
