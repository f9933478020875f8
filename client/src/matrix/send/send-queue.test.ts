import { expect, test } from 'vitest';
import { ConnectionError, RequestError } from '../http/request-error.ts';
import type { OutgoingItem } from './outgoing-item.ts';
import { createSendQueue } from './send-queue.ts';

const ROOM = '!room:example.org';

function item(txnId: string, roomId = ROOM): OutgoingItem {
  const content = { body: txnId };
  return {
    txnId,
    roomId,
    type: 'm.room.message',
    content,
    createdAtMs: 0,
    state: 'waiting',
    eventId: undefined,
    failure: undefined,
    media: undefined,
  };
}

/** A queue whose sends end only when told to. */
function createScene() {
  const stored = new Map<string, OutgoingItem>();
  const attempts: { txnId: string; succeed: () => void; fail: (error: Error) => void }[] = [];
  const queue = createSendQueue({
    send: ({ txnId }) => new Promise((resolve, reject) => attempts.push({ txnId, succeed: () => resolve(`$${txnId}`), fail: reject })),
    upload: async ({ content }) => ({ ...content, url: 'mxc://example.org/file' }),
    store: {
      putOutgoing: async (entry) => void stored.set(entry.txnId, entry),
      deleteOutgoing: async (txnId) => void stored.delete(txnId),
    },
    onChange: () => undefined,
  });
  const attempt = async (at: number) => {
    await expect.poll(() => attempts.length).toBeGreaterThan(at);
    const started = attempts[at];
    if (started === undefined) throw new Error('No such attempt');
    return started;
  };
  return { queue, stored, attempts, attempt };
}

const states = (items: readonly OutgoingItem[]) => items.map(({ txnId, state }) => `${txnId} ${state}`);

test('messages of a room go one after another, rooms side by side', async () => {
  const { queue, attempts, attempt } = createScene();
  for (const entry of [item('a'), item('b'), item('c', '!other:example.org')]) queue.add(entry);
  await attempt(1);
  expect(attempts.map(({ txnId }) => txnId)).toEqual(['a', 'c']);
  attempts[0]?.succeed();
  expect((await attempt(2)).txnId).toBe('b');
});

test('what the network loses is tried again, with the same id and before what came later', async () => {
  const { queue, attempts, attempt } = createScene();
  queue.add(item('a'));
  queue.add(item('b'));
  (await attempt(0)).fail(new ConnectionError('offline'));
  const countAfterRetry = (): number => {
    queue.retryNow();
    return attempts.length;
  };
  await expect.poll(countAfterRetry).toBe(2);
  expect(attempts.map(({ txnId }) => txnId)).toEqual(['a', 'a']);
  attempts[1]?.succeed();
  expect((await attempt(2)).txnId).toBe('b');
});

test('a refused message is marked failed, lets the next go, and can be tried again', async () => {
  const { queue, attempt } = createScene();
  queue.add(item('a'));
  queue.add(item('b'));
  (await attempt(0)).fail(new RequestError({ status: 403, errcode: 'M_FORBIDDEN', message: 'No', retryAfterMs: undefined, data: {} }));
  expect((await attempt(1)).txnId).toBe('b');
  expect(states(queue.list(ROOM))).toEqual(['a failed', 'b waiting']);
  expect(queue.list(ROOM)[0]?.failure).toBe('No');
  (await attempt(1)).succeed();
  queue.retry(ROOM, 'a');
  expect((await attempt(2)).txnId).toBe('a');
});

test('an echo lasts until a sync brings the event, whichever comes first', async () => {
  const { queue, stored, attempt } = createScene();
  queue.add(item('a'));
  (await attempt(0)).succeed();
  await expect.poll(() => states(queue.list(ROOM))).toEqual(['a sent']);
  expect(stored.get('a')).toMatchObject({ state: 'sent', eventId: '$a' });
  expect(queue.settle(ROOM, [{ eventId: '$a', txnId: undefined }], false)).toEqual(new Map([['$a', 'a']]));

  queue.add(item('b'));
  await attempt(1);
  expect(queue.settle(ROOM, [{ eventId: '$b', txnId: 'b' }], false)).toEqual(new Map([['$b', 'b']]));
  (await attempt(1)).succeed();
  expect(queue.list(ROOM)).toEqual([]);
  expect(stored.size).toBe(0);
});

test('what an earlier start left is sent, and what it had sent is not sent again', async () => {
  const { queue, attempts, attempt } = createScene();
  queue.restore([{ ...item('a'), state: 'sent', eventId: '$a' }, item('b')]);
  expect((await attempt(0)).txnId).toBe('b');
  expect(attempts).toHaveLength(1);
});

test('what is written in the same millisecond keeps its order', () => {
  const { queue } = createScene();
  for (const txnId of ['c', 'a', 'b']) queue.add(item(txnId));
  const byTime = [...queue.list(ROOM)].sort((a, b) => a.createdAtMs - b.createdAtMs);
  expect(byTime.map(({ txnId }) => txnId)).toEqual(['c', 'a', 'b']);
  expect(new Set(byTime.map(({ createdAtMs }) => createdAtMs)).size).toBe(3);
});

test('a file is uploaded before its message, and what was discarded meanwhile is not sent', async () => {
  const { queue, attempts, attempt } = createScene();
  const media = { kind: 'file' as const, blob: new Blob(['x']), fileName: 'x.txt', mimeType: 'text/plain' };
  queue.add({ ...item('a'), media });
  queue.discard(ROOM, 'a');
  queue.add({ ...item('b'), media });
  expect((await attempt(0)).txnId).toBe('b');
  expect(attempts).toHaveLength(1);
  expect(queue.list(ROOM)[0]?.content).toMatchObject({ url: 'mxc://example.org/file' });
});

test('who sends may wait for the event id, and hears of a refusal', async () => {
  const { queue, attempt } = createScene();
  queue.add(item('a'));
  queue.add(item('a'));
  queue.add(item('b'));
  const [taken, refused] = [queue.whenSent(ROOM, 'a'), queue.whenSent(ROOM, 'b')];
  (await attempt(0)).succeed();
  await expect(taken).resolves.toBe('$a');
  await expect(queue.whenSent(ROOM, 'a')).resolves.toBe('$a');
  const second = await attempt(1);
  expect(second.txnId).toBe('b');
  second.fail(
    new RequestError({ status: 403, errcode: 'M_FORBIDDEN', message: 'You are not in this room', retryAfterMs: undefined, data: {} }),
  );
  await expect(refused).rejects.toThrow('You are not in this room');
  await expect(queue.whenSent(ROOM, 'never queued')).rejects.toThrow();
});

test('a queue is stopped when what became of its items is stored', async () => {
  let store: () => void = () => undefined;
  const queue = createSendQueue({
    send: async () => '$sent',
    upload: async ({ content }) => content,
    store: {
      putOutgoing: ({ state }) => (state === 'sent' ? new Promise((resolve) => (store = resolve)) : Promise.resolve()),
      deleteOutgoing: async () => undefined,
    },
    onChange: () => undefined,
  });
  queue.add(item('a'));
  await expect(queue.whenSent(ROOM, 'a')).resolves.toBe('$sent');
  let isStopped = false;
  const stopped = queue.stop().then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  store();
  await stopped;
});
