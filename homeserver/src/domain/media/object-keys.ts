import type { Random } from '../../platform/random.ts';

const KEY_BITS = 144;
/** A media id holds so many bits of chance: nobody guesses one. */
export const MEDIA_ID_BITS = 144;

/** A new key of the object store. */
export function newObjectKey(random: Random, kind: 'local' | 'remote' | 'thumbnail'): string {
  const name = random.text(KEY_BITS);
  return `${kind}/${name.slice(0, 2)}/${name.slice(2)}`;
}
