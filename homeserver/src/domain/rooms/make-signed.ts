import type { Pdu } from 'federation-spec/events/event.ts';
import type { HotRoom, PreparedEvent } from './hot-room.ts';

/** How often an event is made anew because the room moved on while another server was asked to sign it. */
const MAX_ATTEMPTS = 4;

type Steps<Result> = {
  /** In the room's turn: builds the event, or finds that there is none to be made. */
  make: () => Promise<PreparedEvent | { answer: Result }>;
  /** The event with the signatures of others. Throws what they refuse it with. */
  sign: (prepared: PreparedEvent) => Promise<Pdu>;
  /** In the room's turn: appends the event. */
  put: (prepared: PreparedEvent) => Promise<Result>;
  /** Outside the turn: takes the event in where it was made, although the room has moved on. Without this it is made anew then. */
  putBeside?: (prepared: PreparedEvent) => Promise<Result>;
};

/**
 * Makes an event that another server must sign. It is asked outside the room's turn, so that a slow one does not hold the room. When the
 * heads have moved meanwhile the event is put beside them, or made anew; at the last attempt of that the room waits.
 */
export async function makeSigned<Result>(room: HotRoom, { make, sign, put, putBeside }: Steps<Result>): Promise<Result> {
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
    const { made, heads } = await room.turns.take(async () => ({ made: await make(), heads: room.heads }));
    if ('answer' in made) return made.answer;
    const signed = withEvent(made, await sign(made));
    const done = await room.turns.take(async () => (room.heads === heads ? { result: await put(signed) } : undefined));
    if (done !== undefined) return done.result;
    if (putBeside !== undefined) return await putBeside(signed);
  }

  return await room.turns.take(async () => {
    const made = await make();
    return 'answer' in made ? made.answer : await put(withEvent(made, await sign(made)));
  });
}

/** The same event with more signatures. */
function withEvent(prepared: PreparedEvent, event: Pdu): PreparedEvent {
  if (event === prepared.event) return prepared;
  const updates = prepared.updates.map((update) =>
    update.entry?.event === prepared.event ? { ...update, entry: { ...update.entry, event } } : update,
  );
  return { ...prepared, event, updates, logged: { ...prepared.logged, row: { ...prepared.logged.row, json: JSON.stringify(event) } } };
}
