const SEPARATOR = '\u0000';

/**
 * One string for the pair of event type and state key, for use as the key of a map of room state.
 *
 * An event type never holds NUL (`checkEventFormat` refuses it), so the pair can be had back.
 */
export function stateKeyOf(type: string, stateKey: string): string {
  return type + SEPARATOR + stateKey;
}

/** The event type and state key that `stateKeyOf` joined. */
export function splitStateKey(key: string): { type: string; stateKey: string } {
  const end = key.indexOf(SEPARATOR);
  return { type: key.slice(0, end), stateKey: key.slice(end + 1) };
}
