export type Emoji = { character: string; label: string; words: string; group: number };

type Compact = { unicode: string; label: string; group?: number; order?: number; tags?: string[] };

/** Group 2 holds skin tones and hair, which are parts and not emoji of their own. */
const COMPONENT_GROUP = 2;

const sources: Record<string, () => Promise<{ default: Compact[] }>> = {
  en: () => import('emojibase-data/en/compact.json'),
  de: () => import('emojibase-data/de/compact.json'),
  es: () => import('emojibase-data/es/compact.json'),
};

const loaded = new Map<string, Promise<Emoji[]>>();

/** All emoji in their usual order, named in the language (English when we lack it). Loaded once, on first use. */
export function loadEmoji(language: string): Promise<Emoji[]> {
  const known = loaded.get(language);
  if (known !== undefined) return known;
  const source = sources[language] ?? sources['en'];
  const emoji = source === undefined ? Promise.resolve([]) : source().then(({ default: list }) => list.flatMap(toEmoji));
  loaded.set(language, emoji);
  return emoji;
}

function toEmoji({ unicode, label, group, tags }: Compact): Emoji[] {
  if (group === undefined || group === COMPONENT_GROUP) return [];
  return [{ character: unicode, label, words: `${label} ${(tags ?? []).join(' ')}`.toLocaleLowerCase(), group }];
}
