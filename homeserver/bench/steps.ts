import { FEDERATION_STEPS } from './federation-steps.ts';
import { GROWTH_STEPS } from './growth-steps.ts';
import { call, register, type Target } from './http-user.ts';
import { measure } from './measure.ts';
import type { Step } from './step.ts';
import { SYNC_STEPS } from './sync-steps.ts';

const CLIENT = '/_matrix/client/v3';
const MESSAGES = 500;
const WARM_UP = 50;

/** A private room of one user, used before it is measured. */
async function warmRoom(target: Target): Promise<{ token: string; send: (index: number) => Promise<unknown> }> {
  const token = await register(target);
  const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, token, { preset: 'private_chat' });
  const room = `${CLIENT}/rooms/${encodeURIComponent(String(roomId))}`;
  const send = (index: number) =>
    call(target, 'PUT', `${room}/send/m.room.message/t${index}`, token, { msgtype: 'm.text', body: `message ${index}` });
  for (let index = 0; index < WARM_UP; index += 1) await send(1_000_000 + index);
  return { token, send };
}

export const STEPS: readonly Step[] = [
  {
    id: 'B0-1',
    about: 'one private room, 500 messages one after the other',
    run: async (target) => await measure(MESSAGES, 1, (await warmRoom(target)).send),
  },
  {
    id: 'B0-10',
    about: 'one private room, 500 messages by 10 senders at once',
    run: async (target) => await measure(MESSAGES, 10, (await warmRoom(target)).send),
  },
  {
    id: 'B4-100',
    about: 'one private room, 2,000 messages, 100 at once',
    run: async (target) => await measure(2_000, 100, (await warmRoom(target)).send),
  },
  {
    id: 'B2',
    about: '100 rooms of the public preset, one after the other',
    run: async (target) => {
      const token = await register(target);
      return await measure(100, 1, () => call(target, 'POST', `${CLIENT}/createRoom`, token, { preset: 'public_chat' }));
    },
  },
  ...SYNC_STEPS,
  ...GROWTH_STEPS,
  ...FEDERATION_STEPS,
  {
    id: 'B9',
    about: '/messages backwards through 500 events, 20 at a time, 20 times',
    run: async (target) => {
      const token = await register(target);
      const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, token, {});
      const room = `${CLIENT}/rooms/${encodeURIComponent(String(roomId))}`;
      for (let index = 0; index < MESSAGES; index += 1)
        await call(target, 'PUT', `${room}/send/m.room.message/t${index}`, token, { msgtype: 'm.text', body: `message ${index}` });
      let from = '';
      return await measure(400, 1, async () => {
        const page = await call(target, 'GET', `${room}/messages?dir=b&limit=20${from}`, token);
        from = page['end'] === undefined ? '' : `&from=${String(page['end'])}`;
      });
    },
  },
];
