import { invalidParam } from '../../platform/matrix-error.ts';

export type SearchOrder = 'rank' | 'recent';
export type GroupKey = 'room_id' | 'sender';

/** Where a further page begins. `place` counts what was told, by rank, or is where the last that was stands, by time (see `searchPosition`). */
export type SearchPlace = {
  order: SearchOrder;
  place: number;
  /** How many results stand before it. */
  seen: number;
  /** The group that alone is paged through. */
  group?: { key: GroupKey; value: string } | undefined;
};

const PLACE = /^(rank|recent)\.(-?\d{1,16})\.(\d{1,16})(?:\.(room_id|sender)\.([A-Za-z0-9_-]{1,400}))?$/;

export function formatPlace({ order, place, seen, group }: SearchPlace): string {
  const inGroup = group === undefined ? '' : `.${group.key}.${Buffer.from(group.value).toString('base64url')}`;
  return `${order}.${place}.${seen}${inGroup}`;
}

/** Throws M_INVALID_PARAM when the text is no token of a search in this order. */
export function parsePlace(text: string, order: SearchOrder): SearchPlace {
  const parts = PLACE.exec(text);
  if (parts === null || parts[1] !== order) throw invalidParam('next_batch is no token of this search.');
  const [, , place, seen, key, value] = parts;
  const group =
    key === undefined || value === undefined ? undefined : { key: key as GroupKey, value: Buffer.from(value, 'base64url').toString() };
  return { order, place: Number(place), seen: Number(seen), group };
}
