import { setTimeout as delay } from 'node:timers/promises';
import { hostRoom } from '../test/kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../test/kit/hostile-peer.ts';
import { call, type OwnTarget, openTarget, register, type Target } from './http-user.ts';
import { type Figures, measure } from './measure.ts';
import { startOwnServer } from './own-server.ts';
import type { Step } from './step.ts';

const CLIENT = '/_matrix/client/v3';
const SETUP_AT_ONCE = 8;
const DESTINATIONS = 200;
const SLOW_MS = 5_000;
const FAN_OUT_MESSAGES = 50;
const OUTAGE_EVENTS = 10_000;
const SENDERS = 20;
const SECOND_PORT = 8_493;
const MEMBERS = 30_000;
const POLL_MS = 20;
const GIVE_UP_AFTER_MS = 600_000;

const room = (roomId: unknown) => `${CLIENT}/rooms/${encodeURIComponent(String(roomId))}`;
const say = (target: Target, token: string, roomId: unknown, index: number) =>
  call(target, 'PUT', `${room(roomId)}/send/m.room.message/t${index}`, token, { msgtype: 'm.text', body: `message ${index}` });

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + GIVE_UP_AFTER_MS;
  while (!(await isDone())) {
    if (performance.now() > givesUpAt) throw new Error(`nothing came of it within ${GIVE_UP_AFTER_MS / 1000} s`);
    await delay(POLL_MS);
  }
}

/** A room of many servers, of which a tenth is dead and a tenth slow: how soon each message is with all the others. */
async function fanOut(target: OwnTarget): Promise<Figures> {
  const token = await register(target);
  const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, token, { preset: 'public_chat' });
  const peers: HostilePeer[] = [];
  try {
    await measure(DESTINATIONS, SETUP_AT_ONCE, async () => {
      const peer = await startHostilePeer(target.authority);
      peers.push(peer);
      peer.answer((_method, path) => (path.includes('/v1/send/') ? { pdus: {} } : undefined));
      await peer.join({ name: target.serverName }, String(roomId), 'guest');
    });
    const heard = new Map<HostilePeer, number>(peers.map((peer) => [peer, 0]));
    for (const [index, peer] of peers.entries()) {
      const isDead = index % 10 === 0;
      const isSlow = index % 10 === 1;
      peer.answer(async (_method, path, body) => {
        if (isDead) return (response: { destroy: () => void }) => response.destroy();
        if (!path.includes('/v1/send/')) return undefined;
        for (const pdu of (body as { pdus: { type: string }[] }).pdus)
          if (pdu.type === 'm.room.message') heard.set(peer, (heard.get(peer) ?? 0) + 1);
        if (isSlow) await delay(SLOW_MS);
        return { pdus: {} };
      });
    }
    const lively = peers.filter((_peer, index) => index % 10 > 1);
    return await measure(FAN_OUT_MESSAGES, 1, async (index) => {
      await say(target, token, roomId, index);
      await until(() => lively.every((peer) => (heard.get(peer) ?? 0) > index));
    });
  } finally {
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
  }
}

/** Another server is stopped while much is said; from its start on, until somebody there has read all of it. */
async function catchUp(target: OwnTarget): Promise<Figures> {
  const second = await startOwnServer(SECOND_PORT, target.authority);
  const other = openTarget(second.url, second.url, undefined);
  try {
    const [speaker, reader] = [await register(target), await register(other)];
    const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, speaker, { preset: 'public_chat' });
    const via = encodeURIComponent(target.serverName);
    await call(other, 'POST', `${CLIENT}/join/${encodeURIComponent(String(roomId))}?via=${via}`, reader, {});
    await say(target, speaker, roomId, -1);
    await until(async () => (await countMessages(other, reader, roomId)) === 1);
    await second.pause();
    await measure(OUTAGE_EVENTS, SENDERS, (index) => say(target, speaker, roomId, index));
    await second.resume();
    const startedAt = performance.now();
    const token = reader;
    // What the other server says itself is its sign of life.
    await say(other, token, roomId, -2);
    await until(async () => (await countMessages(other, token, roomId)) >= OUTAGE_EVENTS + 2);
    const ms = performance.now() - startedAt;
    const figures = { p50Ms: ms, p95Ms: ms, p99Ms: ms, maxMs: ms, errors: 0 };
    return { operations: OUTAGE_EVENTS, perSecond: OUTAGE_EVENTS / (ms / 1000), ...figures };
  } finally {
    await other.pool.close();
    await second.stop();
  }
}

/** As a client does that reads back as far as there is anything. */
async function countMessages(target: Target, token: string, roomId: unknown): Promise<number> {
  const seen = new Set<string>();
  for (let from = ''; ; ) {
    const page = await call(target, 'GET', `${room(roomId)}/messages?dir=b&limit=1000${from}`, token);
    for (const event of page['chunk'] as { event_id: string; type: string }[])
      if (event.type === 'm.room.message') seen.add(event.event_id);
    if (page['end'] === undefined) return seen.size;
    from = `&from=${encodeURIComponent(String(page['end']))}`;
  }
}

/** Joins a room of another server with very many members. */
async function joinLarge(target: OwnTarget, isComplete: boolean): Promise<Figures> {
  const peer = await startHostilePeer(target.authority);
  try {
    const hosted = await hostRoom(peer, { members: MEMBERS });
    peer.answer(hosted.answer);
    const token = await register(target);
    const figures = await measure(1, 1, async () => {
      await call(target, 'POST', `${CLIENT}/join/${encodeURIComponent(hosted.roomId)}?via=${encodeURIComponent(peer.name)}`, token, {});
      await say(target, token, hosted.roomId, 0);
      if (isComplete) await until(async () => (await countJoined(target, token, hosted.roomId)) > MEMBERS);
    });
    process.stderr.write(`  the server has held ${await target.peakMegabytes()} MB at most\n`);
    return figures;
  } finally {
    await peer[Symbol.asyncDispose]();
  }
}

async function countJoined(target: Target, token: string, roomId: string): Promise<number> {
  const answer = await call(target, 'GET', `${room(roomId)}/joined_members`, token).catch(() => undefined);
  return Object.keys((answer?.['joined'] as object | undefined) ?? {}).length;
}

export const FEDERATION_STEPS: readonly Step[] = [
  {
    id: 'B13-out',
    about: `${FAN_OUT_MESSAGES} messages, each to ${DESTINATIONS} servers, of which a tenth is dead and a tenth slow, until all others have it`,
    needsOwn: true,
    run: fanOut,
  },
  {
    id: 'B13-back',
    about: `a server that was away while ${OUTAGE_EVENTS} events were made, until it has them all; events a second`,
    needsOwn: true,
    run: catchUp,
  },
  {
    id: 'B14-use',
    about: `join of another server's room with ${MEMBERS} members, until something is said there`,
    needsOwn: true,
    run: (target) => joinLarge(target, false),
  },
  { id: 'B14-all', about: 'the same until all members are known', needsOwn: true, run: (target) => joinLarge(target, true) },
];
