import { ref, watch } from 'vue';

export type ThemeChoice = 'system' | 'light' | 'dark';
export type ContrastChoice = 'system' | 'more';

const THEME_KEY = 'blinkchat.theme';
const CONTRAST_KEY = 'blinkchat.contrast';

const darkQuery = window.matchMedia('(prefers-color-scheme: dark)');
const contrastQuery = window.matchMedia('(prefers-contrast: more)');

const theme = ref<ThemeChoice>(readChoice(THEME_KEY, ['system', 'light', 'dark'], 'system'));
const contrast = ref<ContrastChoice>(readChoice(CONTRAST_KEY, ['system', 'more'], 'system'));

function readChoice<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  const stored = localStorage.getItem(key);
  return allowed.find((choice) => choice === stored) ?? fallback;
}

function apply(): void {
  const isDark = theme.value === 'dark' || (theme.value === 'system' && darkQuery.matches);
  const isMore = contrast.value === 'more' || contrastQuery.matches;
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  document.documentElement.dataset['contrast'] = isMore ? 'more' : 'normal';
}

/** Puts the chosen theme on the document and follows the system's wishes. Call once, before the first paint. */
export function startTheme(): void {
  apply();
  darkQuery.addEventListener('change', apply);
  contrastQuery.addEventListener('change', apply);
  watch([theme, contrast], () => {
    localStorage.setItem(THEME_KEY, theme.value);
    localStorage.setItem(CONTRAST_KEY, contrast.value);
    apply();
  });
}

/** The theme and contrast people chose, remembered on this device. */
export function useTheme() {
  return { theme, contrast };
}
