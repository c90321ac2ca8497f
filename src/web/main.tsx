import '@mantine/core/styles.css';
import { type CSSVariablesResolver, createTheme, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Page } from './page.tsx';

const REFRESH_MS = 30_000;

const queries = new QueryClient({ defaultOptions: { queries: { refetchInterval: REFRESH_MS, retry: 1 } } });
const theme = createTheme({
  fontFamily: 'system-ui, sans-serif',
  primaryColor: 'teal',
  primaryShade: { light: 9, dark: 4 },
  autoContrast: true,
});

/** Quiet text still has to be read: 4.5 to 1 against either background (WCAG 2.2, 1.4.3). */
const readableDimmed: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-dimmed': '#565c63' },
  dark: { '--mantine-color-dimmed': '#b4b6ba' },
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={readableDimmed} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Page />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
