import type { TestServers } from '../kit/start-servers.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

/** What people of two servers say to each other, of which the second server can be made to miss something. */
export type LossyRoom = {
  roomId: string;
  /** What is done is not told to the second server: the queue for it is lost. */
  loseEvents: (act: () => Promise<void>) => Promise<void>;
  /** All that the user of the second server can read, the newest first. */
  readBack: () => Promise<ClientEvent[]>;
  /** What was said last, as that user sees it. */
  readLast: () => Promise<unknown[]>;
};

export async function openLossyRoom(servers: TestServers, romeo: TestUser, juliet: TestUser): Promise<LossyRoom> {
  const roomId = await romeo.createRoom({ preset: 'public_chat', topic: 'before' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await romeo.send(roomId, 'before');
  await juliet.nextMessage(roomId);
  return {
    roomId,
    loseEvents: async (act) => {
      await servers.at(1).stop();
      await act();
      await servers.at(0).stop();
      await servers.at(0).sql`delete from federation_queue`;
      await servers.at(0).restart();
      await servers.at(1).restart();
    },
    readBack: async () => {
      const read: ClientEvent[] = [];
      for (let from = ''; ; ) {
        const page = await juliet.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100${from}`);
        read.push(...(page['chunk'] as ClientEvent[]));
        if (page['end'] === undefined) return read;
        from = `&from=${String(page['end'])}`;
      }
    },
    readLast: async () => (await juliet.messages(roomId, { limit: 1 })).flatMap(({ content }) => content['body'] ?? []),
  };
}

/** What was said in events. */
export const wordsOf = (events: readonly ClientEvent[]): unknown[] =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

/** A sync, as far as its timelines go. */
export type Timelines = {
  rooms: {
    join: Record<string, { timeline: { limited: boolean; prev_batch: string; events: ClientEvent[] }; state: { events: ClientEvent[] } }>;
  };
};
