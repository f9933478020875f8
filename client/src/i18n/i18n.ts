import { createI18n } from 'vue-i18n';
import { en, type Messages } from './en.ts';

/** The languages there are, each under its own name. */
export const LANGUAGES = [
  { code: 'en', name: 'English' },
  { code: 'de', name: 'Deutsch' },
  { code: 'es', name: 'Español' },
] as const;

export type LanguageCode = (typeof LANGUAGES)[number]['code'];

const LANGUAGE_KEY = 'blinkchat.language';

/** English is always there; the others are fetched when they are chosen. */
const loaders: Record<Exclude<LanguageCode, 'en'>, () => Promise<Messages>> = {
  de: async () => (await import('./de.ts')).de,
  es: async () => (await import('./es.ts')).es,
};

export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: { en } as Record<string, Messages> });

function isLanguageCode(code: string | null | undefined): code is LanguageCode {
  return LANGUAGES.some((language) => language.code === code);
}

/** The language chosen before, else the first of the browser's that we speak, else English. */
export function preferredLanguage(): LanguageCode {
  const stored = localStorage.getItem(LANGUAGE_KEY);
  if (isLanguageCode(stored)) return stored;
  for (const tag of navigator.languages) {
    const code = tag.split('-')[0];
    if (isLanguageCode(code)) return code;
  }
  return 'en';
}

/** Loads and shows a language; `remember` keeps it for the next start. */
export async function useLanguage(code: LanguageCode, { remember }: { remember: boolean }): Promise<void> {
  if (code !== 'en') i18n.global.setLocaleMessage(code, await loaders[code]());
  i18n.global.locale.value = code;
  document.documentElement.lang = code;
  if (remember) localStorage.setItem(LANGUAGE_KEY, code);
}
