import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { MEMBERSHIP_WORDS } from '../../../storage/memberships.ts';
import type { Position, SentRoom } from './connection.ts';
import type { RoomConfig, StateRule } from './room-config.ts';

/** Changes with the form: what was written in another is not read. */
const FORM = 1;

const NumbersSchema = Type.Array(Type.Integer());
const SavedSchema = Type.Object({
  form: Type.Literal(FORM),
  rules: Type.Array(Type.Object({ include: Type.Array(Type.String()), exclude: Type.Array(Type.String()), isLazy: Type.Boolean() })),
  /** Limits of timelines, and places in `rules`. */
  configs: Type.Array(Type.Tuple([Type.Integer(), NumbersSchema])),
  positions: Type.Array(
    Type.Object({
      pos: Type.String(),
      position: Type.Integer(),
      boot: Type.String(),
      volatile: Type.Integer(),
      covered: NumbersSchema,
      extensions: Type.Array(Type.String()),
      /** Room, membership, since, up to, place in `configs`, and 1 where the room is direct. */
      rooms: Type.Array(NumbersSchema),
    }),
  ),
});
const savedSchema = Compile(SavedSchema);

/** What a client knows, as text. Which members it was told of is left out: it will be told of them again. */
export function writePositions(positions: ReadonlyMap<string, Position>): string {
  const rules: StateRule[] = [];
  const places = new Map<StateRule, number>();
  const configs = new Map<string, { place: number; written: [number, number[]] }>();

  function placeOfRule(rule: StateRule): number {
    const known = places.get(rule);
    if (known !== undefined) return known;
    places.set(rule, rules.push(rule) - 1);
    return rules.length - 1;
  }

  function placeOfConfig({ timelineLimit, rules: ofConfig }: RoomConfig): number {
    const written: [number, number[]] = [timelineLimit, ofConfig.map(placeOfRule)];
    const key = JSON.stringify(written);
    const { place } = configs.get(key) ?? { place: configs.size };
    configs.set(key, { place, written });
    return place;
  }

  const all = [...positions].map(([pos, { token, rooms, covered, extensions }]) => ({
    pos,
    position: token.position,
    boot: token.boot,
    volatile: token.volatile,
    covered: [...covered],
    extensions: [...extensions],
    rooms: [...rooms].map(([roomNid, { membership, since, upTo, config, isDirect }]) => [
      roomNid,
      MEMBERSHIP_WORDS.indexOf(membership),
      since,
      upTo,
      placeOfConfig(config),
      isDirect ? 1 : 0,
    ]),
  }));
  return JSON.stringify({
    form: FORM,
    rules: rules.map(({ include, exclude, isLazy }) => ({ include: [...include], exclude: [...exclude], isLazy })),
    configs: [...configs.values()].map(({ written }) => written),
    positions: all,
  });
}

/** Undefined when the text is not in the form that is written today. */
export function readPositions(text: string): Map<string, Position> | undefined {
  const saved: unknown = JSON.parse(text);
  if (!savedSchema.Check(saved)) return undefined;
  const rules = saved.rules.map(({ include, exclude, isLazy }) => ({ include: new Set(include), exclude: new Set(exclude), isLazy }));
  const configs = saved.configs.map(
    ([timelineLimit, places]): RoomConfig => ({
      timelineLimit,
      rules: places.flatMap((place) => rules[place] ?? []),
    }),
  );
  return new Map(
    saved.positions.map(({ pos, position, boot, volatile, covered, extensions, rooms }) => [
      pos,
      {
        token: { kind: 'stream', position, boot, volatile },
        covered: new Set(covered),
        extensions: new Set(extensions),
        rooms: new Map(rooms.flatMap((room) => readRoom(room, configs))),
      },
    ]),
  );
}

function readRoom(
  [roomNid, memberships, since, upTo, place, isDirect]: readonly number[],
  configs: readonly RoomConfig[],
): [number, SentRoom][] {
  const membership = MEMBERSHIP_WORDS[memberships ?? -1];
  const config = configs[place ?? -1];
  if (roomNid === undefined || membership === undefined || since === undefined || upTo === undefined || config === undefined) return [];
  return [[roomNid, { membership, since, upTo, config, isDirect: isDirect === 1, members: new Map() }]];
}
