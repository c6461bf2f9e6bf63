import { useEffect, useState } from 'preact/hooks';

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Light or dark as the system says, until somebody says otherwise; remembered where the browser lets us. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => THEMES.find((one) => one === remembered()) ?? 'system');
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem('sluice-theme', theme);
    } catch {
      // A page from a disk may have no storage.
    }
  }, [theme]);
  const next = (): void => setTheme((now) => THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] as Theme);
  return [theme, next];
}

function remembered(): string | null {
  try {
    return localStorage.getItem('sluice-theme');
  } catch {
    return null;
  }
}
