/**
 * The region's way of writing a language: a British browser showing English writes 22:30, an American one 10:30 PM. `language` is the page's.
 */
function regional(language: string): string {
  return navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;
}

/** How times are shown, in the language of the page. All take milliseconds since 1970. */
const DAY_MS = 86_400_000;

function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}

/** Whole calendar days between two moments. */
export function daysBetween(earlierMs: number, laterMs: number): number {
  return Math.round((startOfDay(laterMs) - startOfDay(earlierMs)) / DAY_MS);
}

/** 14:05 */
export function formatClock(ms: number, locale: string): string {
  return new Intl.DateTimeFormat(regional(locale), { hour: 'numeric', minute: '2-digit' }).format(ms);
}

/** The clock today, the weekday within a week, the date before that: for lists. */
export function formatWhen(ms: number, nowMs: number, locale: string): string {
  const days = daysBetween(ms, nowMs);
  if (days <= 0) return formatClock(ms, locale);
  if (days < 7) return new Intl.DateTimeFormat(regional(locale), { weekday: 'short' }).format(ms);
  return new Intl.DateTimeFormat(regional(locale), { day: 'numeric', month: 'short' }).format(ms);
}

/** Monday, 3 March (with the year when it is not this one): for separators. */
export function formatDay(ms: number, nowMs: number, locale: string): string {
  const isThisYear = new Date(ms).getFullYear() === new Date(nowMs).getFullYear();
  return new Intl.DateTimeFormat(regional(locale), {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(isThisYear ? {} : { year: 'numeric' }),
  }).format(ms);
}

/** Everything, for tooltips. */
export function formatFull(ms: number, locale: string): string {
  return new Intl.DateTimeFormat(regional(locale), { dateStyle: 'full', timeStyle: 'short' }).format(ms);
}
