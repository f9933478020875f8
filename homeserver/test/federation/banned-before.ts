import { eventIdOf } from 'federation-spec/events/event-id.ts';
import type { HostilePeer, PeerRoom } from '../kit/hostile-peer.ts';
import type { TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

/** A room in which one may change the state, and somebody of the peer may ban them. */
export type ThreatenedRoom = { room: PeerRoom; roomId: string; romeo: TestUser; juliet: TestUser };

/** Romeo makes the room; Juliet and the peer's Tybalt are in it. */
export async function meetTybalt(servers: TestServers, peer: HostilePeer, options: object = {}): Promise<ThreatenedRoom> {
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 0);
  const users = { [juliet.id]: 50, [`@tybalt:${peer.name}`]: 100 };
  const roomId = await romeo.createRoom({ preset: 'public_chat', ...options, power_level_content_override: { users } });
  await juliet.join(roomId);
  const room = await peer.join(servers.at(0), roomId, 'tybalt');
  return { room, roomId, romeo, juliet };
}

/** Tybalt had banned Juliet before all that she has done since he came, as he tells it: it is undone. Returns the id of the ban. */
export async function banBeforehand(servers: TestServers, peer: HostilePeer, { room, juliet }: ThreatenedRoom): Promise<string> {
  const member = room.state.find((event) => event.type === 'm.room.member' && event.state_key === juliet.id);
  if (member === undefined) throw new Error('the peer was told of no such member');
  const proper = await room.event({});
  const ban = await room.event({
    type: 'm.room.member',
    state_key: juliet.id,
    content: { membership: 'ban' },
    auth_events: [...proper.event.auth_events, eventIdOf(member, room.rules)],
  });
  await peer.sendPdus(servers.at(0), [ban.event]);
  return ban.id;
}
