import type { Sql } from './database.ts';

export type StateRow = { keyNid: number; type: string; stateKey: string; eventNid: number; eventId: string; json: string };

/**
 * The room's state at a log position (after the event at it), or, without one, now.
 * `types` limits it to those event types; `exceptTypes` leaves some out.
 */
export async function listState(
  sql: Sql,
  roomNid: number,
  { at, types, exceptTypes }: { at?: number; types?: readonly string[]; exceptTypes?: readonly string[] } = {},
): Promise<StateRow[]> {
  const when = at === undefined ? sql`s.to_pos = 9223372036854775807` : sql`s.from_pos <= ${at} and s.to_pos > ${at}`;
  const which = types === undefined ? sql`` : sql`and k.type = any(${[...types]}::text[])`;
  const not = exceptTypes === undefined ? sql`` : sql`and k.type <> all(${[...exceptTypes]}::text[])`;
  return await sql<StateRow[]>`
    select s.key_nid as "keyNid", k.type, k.state_key as "stateKey", s.event_nid as "eventNid", e.event_id as "eventId", e.json
    from   state_intervals s join state_keys k using (key_nid) join events e using (event_nid)
    where  s.room_nid = ${roomNid} and ${when} ${which} ${not}`;
}

/** The state of the given keys at a position, or now. */
export async function listStateOfKeys(
  sql: Sql,
  roomNid: number,
  keys: readonly { type: string; stateKey: string }[],
  at?: number,
): Promise<StateRow[]> {
  const named = keys.filter((key) => !`${key.type}${key.stateKey}`.includes('\u0000'));
  if (named.length === 0) return [];
  const when = at === undefined ? sql`s.to_pos = 9223372036854775807` : sql`s.from_pos <= ${at} and s.to_pos > ${at}`;
  return await sql<StateRow[]>`
    select s.key_nid as "keyNid", k.type, k.state_key as "stateKey", s.event_nid as "eventNid", e.event_id as "eventId", e.json
    from   unnest(${named.map((key) => key.type)}::text[], ${named.map((key) => key.stateKey)}::text[]) as a(type, state_key)
    join   state_keys k on k.type = a.type and k.state_key = a.state_key
    join   state_intervals s on s.room_nid = ${roomNid} and s.key_nid = k.key_nid and ${when}
    join   events e on e.event_nid = s.event_nid`;
}

export type DeltaRow = { keyNid: number; stateEventNid: number | null };

/** How the state before an event differs from its base. */
export async function listStateDelta(sql: Sql, eventNid: number): Promise<DeltaRow[]> {
  return await sql<DeltaRow[]>`
    select key_nid as "keyNid", state_event_nid as "stateEventNid" from state_deltas where event_nid = ${eventNid}`;
}

/** The state at a position as numbers: key → event. */
export async function listStateNids(sql: Sql, roomNid: number, at: number): Promise<{ keyNid: number; eventNid: number }[]> {
  return await sql<{ keyNid: number; eventNid: number }[]>`
    select key_nid as "keyNid", event_nid as "eventNid" from state_intervals
    where  room_nid = ${roomNid} and from_pos <= ${at} and to_pos > ${at}`;
}

/**
 * What held the keys at a position `at` whose holder was another at the later position `upTo`: key → event, or null where none did. With a
 * state at `upTo` it gives the one at `at`, however many keys there are.
 */
export async function listStateBefore(
  sql: Sql,
  roomNid: number,
  { at, upTo }: { at: number; upTo: number },
): Promise<{ keyNid: number; eventNid: number | null }[]> {
  return await sql<{ keyNid: number; eventNid: number | null }[]>`
    select c.key_nid as "keyNid", s.event_nid as "eventNid"
    from  (select key_nid from state_intervals where room_nid = ${roomNid} and from_pos > ${at} and from_pos <= ${upTo}
           union
           select key_nid from state_intervals
           where room_nid = ${roomNid} and to_pos > ${at} and to_pos <= ${upTo} and to_pos < 9223372036854775807) c
    left join state_intervals s
      on s.room_nid = ${roomNid} and s.key_nid = c.key_nid and s.from_pos <= ${at} and s.to_pos > ${at}`;
}

/** A stored snapshot as numbers: key → event. */
export async function listSnapshotNids(sql: Sql, snapshotId: number): Promise<{ keyNid: number; eventNid: number }[]> {
  return await sql<{ keyNid: number; eventNid: number }[]>`
    select key_nid as "keyNid", state_event_nid as "eventNid" from state_snapshots where snapshot_id = ${snapshotId}`;
}

/** Stores a whole state and returns its number. */
export async function insertSnapshot(sql: Sql, state: readonly { keyNid: number; eventNid: number }[]): Promise<number> {
  const [row] = await sql<{ snapshotId: number }[]>`select nextval('state_snapshot_ids')::bigint as "snapshotId"`;
  if (row === undefined) throw new Error('the sequence of snapshots gave no number');
  await sql`
    insert into state_snapshots (snapshot_id, key_nid, state_event_nid)
    select ${row.snapshotId}, * from unnest(${state.map((entry) => entry.keyNid)}::bigint[], ${state.map((entry) => entry.eventNid)}::bigint[])`;
  return row.snapshotId;
}

/** Stores how the state before an event differs from its base. */
export async function insertStateDelta(sql: Sql, eventNid: number, delta: readonly DeltaRow[]): Promise<void> {
  if (delta.length === 0) return;
  await sql`
    insert into state_deltas (event_nid, key_nid, state_event_nid)
    select ${eventNid}, * from unnest(${delta.map((row) => row.keyNid)}::bigint[], ${delta.map((row) => row.stateEventNid)}::bigint[])`;
}

/** The same for many events at once. */
export async function insertStateDeltas(sql: Sql, rows: readonly (DeltaRow & { eventNid: number })[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into state_deltas (event_nid, key_nid, state_event_nid)
    select * from unnest(${rows.map((row) => row.eventNid)}::bigint[], ${rows.map((row) => row.keyNid)}::bigint[],
                         ${rows.map((row) => row.stateEventNid)}::bigint[])`;
}
