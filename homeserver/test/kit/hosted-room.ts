import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import type { Callee, HostilePeer, PeerAnswer } from './hostile-peer.ts';

type Named = { event: Pdu; id: string };

/** A room that lives on a peer which speaks the protocol by hand: what an honest server would answer, for a test to bend. */
export type HostedRoom = {
  roomId: string;
  rules: RoomVersionRules;
  hostId: string;
  /** The state in the order it was made, memberships included. */
  state: Named[];
  /** The events that build upon the last state event, oldest first. */
  timeline: Named[];
  find: (type: string, stateKey?: string) => Named;
  newest: () => Named;
  /** An event upon the newest, signed by the peer or another server, that is no part of the room. */
  build: (draft: Partial<PduDraft> & { type: string }, signer?: Signer) => Promise<Named>;
  /** An event upon the newest, signed by the peer or another server; it becomes the newest. */
  add: (draft: Partial<PduDraft> & { type: string }, signer?: Signer) => Promise<Named>;
  /** Invites a user of another server, whose answer it gives; the invite is no part of the room. */
  invite: (to: Callee, userId: string) => Promise<PeerAnswer>;
  /** What `make_join` (leave, knock) answers. */
  template: (userId: string, membership?: string) => JsonObject;
  /** What `send_join` answers, after taking the join in. */
  joined: (join: Pdu, options?: { omitMembers?: boolean }) => JsonObject;
  /** Answers everything that an honest resident answers about the room. */
  answer: (method: string, path: string, body: unknown) => unknown;
};

/** Makes a public room with so many further members, all of the peer. */
export async function hostRoom(peer: HostilePeer, { version = '10', members = 0 } = {}): Promise<HostedRoom> {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no room version ${version}`);
  const hostId = `@host:${peer.name}`;
  let roomId = `!hosted${Math.random().toString(36).slice(2)}:${peer.name}`;
  const state: Named[] = [];
  const timeline: Named[] = [];
  let newest: Named | undefined;

  const current = new Map<string, Named>();
  const findIn = (type: string, stateKey = '') => current.get(`${type} ${stateKey}`);
  const remember = (named: Named) => void current.set(`${named.event.type} ${named.event.state_key}`, named);

  async function build(draft: Partial<PduDraft> & { type: string }, signer = peer.signer): Promise<Named> {
    const sender = draft.sender ?? hostId;
    const create = rules?.createEventIdIsRoomId === true ? undefined : findIn('m.room.create');
    const target = draft.type === 'm.room.member' && draft.state_key !== sender ? findIn('m.room.member', draft.state_key) : undefined;
    const isJoinOrInvite = ['join', 'invite', 'knock'].includes(String(draft.content?.['membership']));
    const joinRules = draft.type === 'm.room.member' && isJoinOrInvite ? findIn('m.room.join_rules') : undefined;
    const auth = [create, findIn('m.room.power_levels'), findIn('m.room.member', sender), target, joinRules];
    const isCreate = draft.type === 'm.room.create';
    const event = await signEvent(
      {
        content: {},
        sender,
        depth: (newest?.event.depth ?? 0) + 1,
        prev_events: newest === undefined ? [] : [newest.id],
        auth_events: isCreate ? [] : [...new Set(auth.flatMap((named) => named?.id ?? []))],
        origin_server_ts: Date.now(),
        ...(isCreate && rules?.createEventIdIsRoomId === true ? {} : { room_id: roomId }),
        ...draft,
      } as PduDraft,
      rules as RoomVersionRules,
      signer,
    );
    return { event, id: eventIdOf(event, rules as RoomVersionRules) };
  }

  async function addState(type: string, content: JsonObject, stateKey = '', sender = hostId): Promise<void> {
    newest = await build({ type, content, state_key: stateKey, sender });
    if (type === 'm.room.create' && rules?.createEventIdIsRoomId === true) roomId = `!${newest.id.slice(1)}`;
    state.push(newest);
    remember(newest);
  }

  await addState('m.room.create', rules.createEventIdIsRoomId ? { room_version: version } : { room_version: version, creator: hostId });
  await addState('m.room.member', { membership: 'join' }, hostId);
  await addState('m.room.power_levels', rules.createEventIdIsRoomId ? { users_default: 0 } : { users: { [hostId]: 100 } });
  await addState('m.room.join_rules', { join_rule: 'public' });
  await addState('m.room.history_visibility', { history_visibility: 'shared' });
  await addState('m.room.name', { name: 'the hosted room' });
  for (let index = 0; index < members; index += 1) {
    const userId = `@member${index}:${peer.name}`;
    await addState('m.room.member', { membership: 'join', displayname: `Member ${index}` }, userId, userId);
  }

  const room: HostedRoom = {
    roomId,
    rules,
    hostId,
    state,
    timeline,
    find: (type, stateKey) => {
      const found = findIn(type, stateKey);
      if (found === undefined) throw new Error(`the room has no ${type} ${stateKey}`);
      return found;
    },
    build,
    newest: () => {
      if (newest === undefined) throw new Error('the room is empty');
      return newest;
    },
    add: async (draft, signer) => {
      newest = await build(draft, signer);
      timeline.push(newest);
      if (newest.event.state_key !== undefined) remember(newest);
      return newest;
    },
    invite: async (to, userId) => {
      const { event, id } = await build({ type: 'm.room.member', state_key: userId, content: { membership: 'invite' } });
      const path = `/_matrix/federation/v2/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(id)}`;
      return await peer.call(to, 'PUT', path, { room_version: version, event });
    },
    template: (userId, membership = 'join') => ({
      room_version: version,
      event: {
        type: 'm.room.member',
        room_id: roomId,
        sender: userId,
        state_key: userId,
        content: { membership },
        depth: (newest?.event.depth ?? 0) + 1,
        origin_server_ts: Date.now(),
        prev_events: newest === undefined ? [] : [newest.id],
        auth_events: [
          rules.createEventIdIsRoomId ? undefined : findIn('m.room.create'),
          findIn('m.room.power_levels'),
          findIn('m.room.join_rules'),
          findIn('m.room.member', userId),
        ].flatMap((named) => named?.id ?? []),
      },
    }),
    joined: (join, { omitMembers = false } = {}) => {
      const before = [...current.values()];
      newest = { event: join, id: eventIdOf(join, rules) };
      timeline.push(newest);
      remember(newest);
      const kept = omitMembers ? before.filter(({ event }) => event.type !== 'm.room.member') : before;
      const servers = new Set(
        before
          .filter(({ event }) => event.type === 'm.room.member')
          .map(({ event }) => String(event.state_key).split(':').slice(1).join(':')),
      );
      const inState = new Set(kept.map(({ id }) => id));
      const replaced = [...state, ...timeline].filter(({ event }) => event.state_key !== undefined && event.type !== 'm.room.member');
      const chain = omitMembers ? [room.find('m.room.member', hostId), ...replaced].filter(({ id }) => !inState.has(id)) : before;
      return {
        origin: peer.name,
        members_omitted: omitMembers,
        servers_in_room: [...servers],
        state: kept.map(({ event }) => event),
        auth_chain: chain.map(({ event }) => event),
        event: join,
      } as unknown as JsonObject;
    },
    answer: (_method, path, body) => {
      const [place = '', query = ''] = path.split('?');
      const parts = place.split('/').map(decodeURIComponent);
      const all = [...state, ...timeline];
      const stateAt = new URLSearchParams(query).get('event_id');
      const beforeJoin = () => state.filter(({ id }) => id !== stateAt);
      if (place.includes('/make_join/')) return room.template(parts.at(-1) ?? '');
      if (place.includes('/make_leave/')) return room.template(parts.at(-1) ?? '', 'leave');
      if (place.includes('/send_leave/')) return {};
      if (place.includes('/send_join/')) return room.joined(body as Pdu, { omitMembers: query.includes('omit_members=true') });
      if (place.includes('/state_ids/'))
        return { pdu_ids: beforeJoin().map(({ id }) => id), auth_chain_ids: beforeJoin().map(({ id }) => id) };
      if (place.includes('/state/'))
        return { pdus: beforeJoin().map(({ event }) => event), auth_chain: beforeJoin().map(({ event }) => event) };
      if (place.includes('/event_auth/')) return { auth_chain: state.map(({ event }) => event) };
      if (place.includes('/event/')) {
        const found = all.find(({ id }) => id === parts.at(-1));
        return found === undefined ? undefined : { origin: peer.name, origin_server_ts: Date.now(), pdus: [found.event] };
      }
      if (place.includes('/get_missing_events/')) return { events: [] };
      if (place.includes('/backfill/')) return { origin: peer.name, origin_server_ts: Date.now(), pdus: [] };
      return place.includes('/send/') ? { pdus: {} } : undefined;
    },
  };
  return room;
}
