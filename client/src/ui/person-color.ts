const PERSON_COLORS = 8;

/** The CSS variable of the colour a person or room keeps everywhere: a plain hash of the id. */
export function personColor(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `var(--person-${(hash % PERSON_COLORS) + 1})`;
}
