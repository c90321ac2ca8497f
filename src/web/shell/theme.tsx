import {
  ActionIcon,
  type CSSVariablesResolver,
  createTheme,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';

export const theme = createTheme({
  fontFamily: 'system-ui, sans-serif',
  primaryColor: 'teal',
  primaryShade: { light: 9, dark: 4 },
  autoContrast: true,
  respectReducedMotion: true,
});

/** Quiet text still has to be read: 4.5 to 1 against either background (WCAG 2.2, 1.4.3). */
export const readableDimmed: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-dimmed': '#565c63' },
  dark: { '--mantine-color-dimmed': '#b4b6ba' },
});

/** Between dark and light; what the machine prefers counts until somebody chooses. */
export function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark';
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={dark ? 'Use light colours' : 'Use dark colours'}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? '☀' : '☾'}
    </ActionIcon>
  );
}
