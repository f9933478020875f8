import type { TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
type Ephemeral = { type: string; content: Json };

/** Goes on syncing until the room's ephemeral events of this type satisfy `isWanted`; gives the content. */
export async function waitForEphemeral(user: TestUser, roomId: string, type: string, isWanted: (content: Json) => boolean): Promise<Json> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    for (const event of ephemeralOf(await user.sync({ timeoutMs: 2_000 }), roomId)) {
      if (event.type === type && isWanted(event.content)) return event.content;
    }
  }
  throw new Error(`${user.id} was not told of such a ${type} in time`);
}

/** The ephemeral events of a room in a sync's answer. */
export function ephemeralOf(answer: Json, roomId: string): Ephemeral[] {
  const rooms = answer['rooms'] as { join?: Record<string, { ephemeral?: { events?: Ephemeral[] } }> } | undefined;
  return rooms?.join?.[roomId]?.ephemeral?.events ?? [];
}

/** A room with both people in it, both having seen all of it. */
export async function meet(romeo: TestUser, juliet: TestUser): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await romeo.sync();
  await juliet.sync();
  return roomId;
}

export function inRoom(roomId: string, rest: string): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;
}

export async function sendReceipt(
  user: TestUser,
  roomId: string,
  eventId: string,
  { type = 'm.read', body = {} }: { type?: string; body?: Json } = {},
) {
  return await user.attempt('POST', inRoom(roomId, `receipt/${type}/${encodeURIComponent(eventId)}`), body);
}
