/** What a value may become, that a careless reader does not expect. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  2 ** 53 - 1,
  '',
  'x',
  'x'.repeat(300),
  '\u0000',
  '\ud800',
  '$\u0000:x',
  '@\u0000:y.test',
  'é'.repeat(5_000),
  '__proto__',
  '@:',
  '@x:y.test',
  '!x:y.test',
  '$x',
  [],
  [[]],
  {},
  [null],
  { a: { b: { c: [] } } },
  [1, 'x', {}, []],
];
/** Keys that mean something to a program, or to one part of a server only. */
const ODD_KEYS = ['__proto__', 'constructor', 'toString', 'unsigned', 'redacts', 'event_id', 'state_key', 'membership', 'x'.repeat(300)];
const MAX_DEPTH = 12;

/** Numbers from a seed, the same at every run: each call gives one in [0, below). */
export type Dice = (below: number) => number;

/** https://en.wikipedia.org/wiki/Linear_congruential_generator */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Place = { holder: Record<string, unknown> | unknown[]; key: string | number };

/** A copy of a JSON object or array that differs in `changes` places: something is gone, of another kind, twice, or there although it should not be. */
export function mutate<Value>(value: Value, dice: Dice, changes = 1): Value {
  const copy = structuredClone(value);
  for (let change = 0; change < changes; change += 1) {
    const places = listPlaces(copy, 0);
    const place = places[dice(places.length)];
    if (place !== undefined) mutateAt(place, places, dice);
  }
  return copy;
}

function listPlaces(value: unknown, depth: number): Place[] {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...listPlaces(holder[key], depth + 1)]);
}

function mutateAt({ holder, key }: Place, places: readonly Place[], dice: Dice): void {
  const object = holder as Record<string, unknown>;
  const odd = structuredClone(ODD_VALUES[dice(ODD_VALUES.length)]);
  const other = places[dice(places.length)];
  const kind = dice(6);
  if (kind === 0 && Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (kind === 0 && places.length > 1) delete object[key];
  else if (kind === 1 && Array.isArray(holder)) holder.push(holder[Number(key)]);
  else if (kind === 1)
    Object.defineProperty(object, ODD_KEYS[dice(ODD_KEYS.length)] ?? 'x', {
      value: odd,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else if (kind === 2 && other !== undefined) object[key] = structuredClone((other.holder as Record<string, unknown>)[other.key]);
  else object[key] = odd;
}
