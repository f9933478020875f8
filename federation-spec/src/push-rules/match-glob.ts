/** A longer pattern matches nothing: matching takes as many steps as the text is long, times a 32nd of the pattern. */
export const MAX_GLOB_LENGTH = 2_048;

const BITS_PER_WORD = 32;

/** A compiled pattern. */
export type Glob = {
  /** True when the whole text matches. */
  matches(text: string): boolean;
  /** True when some part of the text matches that begins and ends at a word boundary. */
  matchesWords(text: string): boolean;
};

/**
 * Compiles a glob: `*` stands for any run of characters, `?` for one; all else for itself, whatever its case.
 *
 * The pattern becomes an automaton whose states are bits, all advanced together for each character of the text. Nothing is
 * tried twice, so no text makes it slow, as texts can make a regular expression slow.
 *
 * https://spec.matrix.org/latest/appendices/#glob-style-matching
 */
export function compileGlob(pattern: string): Glob {
  return compile([...pattern.toLowerCase()], true);
}

/** Compiles a text that stands for itself, `*` and `?` included. */
export function compileLiteral(text: string): Glob {
  return compile([...text.toLowerCase()], false);
}

/** True when the whole of `text` matches the glob. Also what server ACLs ask. */
export function matchesGlob(pattern: string, text: string): boolean {
  return compileGlob(pattern).matches(text);
}

/**
 * State n stands for "the first n items have matched". `accepting` gives, for a character, the items it may match, as bits at their
 * index; `staying` has the states that a `*` lets wait.
 */
type Automaton = { length: number; words: number; accepting: Map<string, Uint32Array>; anyItem: Uint32Array; staying: Uint32Array };

function compile(characters: string[], hasWildcards: boolean): Glob {
  if (characters.length > MAX_GLOB_LENGTH) return { matches: () => false, matchesWords: () => false };
  const isPlain = !hasWildcards || !characters.some((character) => character === '*' || character === '?');
  const plainText = characters.join('');
  let automaton: Automaton | undefined;
  const load = (): Automaton => {
    automaton ??= buildAutomaton(characters, hasWildcards);
    return automaton;
  };
  return {
    matches: (text) => (isPlain ? text.toLowerCase() === plainText : run(load(), text, 'whole')),
    matchesWords: (text) => (isPlain && !text.toLowerCase().includes(plainText) ? false : run(load(), text, 'words')),
  };
}

function buildAutomaton(characters: string[], hasWildcards: boolean): Automaton {
  const items: string[] = [];
  const stayingStates: number[] = [];
  for (const character of characters) {
    if (hasWildcards && character === '*') stayingStates.push(items.length);
    else items.push(character);
  }
  const words = Math.floor(items.length / BITS_PER_WORD) + 1;
  const anyItem = new Uint32Array(words);
  const staying = new Uint32Array(words);
  for (const state of stayingStates) setBit(staying, state);
  if (hasWildcards) for (const [index, item] of items.entries()) if (item === '?') setBit(anyItem, index);
  const accepting = new Map<string, Uint32Array>();
  for (const [index, item] of items.entries()) {
    if (hasWildcards && item === '?') continue;
    const mask = accepting.get(item) ?? anyItem.slice();
    setBit(mask, index);
    accepting.set(item, mask);
  }
  return { length: items.length, words, accepting, anyItem, staying };
}

function run({ length, words, accepting, anyItem, staying }: Automaton, text: string, mode: 'whole' | 'words'): boolean {
  const states = new Uint32Array(words);
  let before = '';
  let isFirst = true;
  for (const character of text.toLowerCase()) {
    const isBoundary = mode === 'words' && (isFirst || !isWordCharacter(before) || !isWordCharacter(character));
    if (isBoundary && hasBit(states, length)) return true;
    if (isFirst || isBoundary) setBit(states, 0);
    advance(states, accepting.get(character) ?? anyItem, staying);
    before = character;
    isFirst = false;
  }
  if (isFirst || (mode === 'words' && length === 0)) setBit(states, 0);
  return hasBit(states, length);
}

/** One character: a state moves on where its next item accepts the character, and stays where a `*` lets it. */
function advance(states: Uint32Array, accepted: Uint32Array, staying: Uint32Array): void {
  let carry = 0;
  for (let word = 0; word < states.length; word += 1) {
    const state = states[word] ?? 0;
    const moving = state & (accepted[word] ?? 0);
    states[word] = (moving << 1) | carry | (state & (staying[word] ?? 0));
    carry = moving >>> (BITS_PER_WORD - 1);
  }
}

function isWordCharacter(character: string): boolean {
  return /^[a-z0-9_]$/i.test(character);
}

function setBit(bits: Uint32Array, index: number): void {
  const word = Math.floor(index / BITS_PER_WORD);
  bits[word] = (bits[word] ?? 0) | (1 << (index % BITS_PER_WORD));
}

function hasBit(bits: Uint32Array, index: number): boolean {
  return ((bits[Math.floor(index / BITS_PER_WORD)] ?? 0) & (1 << (index % BITS_PER_WORD))) !== 0;
}
