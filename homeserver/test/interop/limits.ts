import { callServer } from '../kit/test-user.ts';
import { otherSide } from './sides.ts';

/** What a homeserver in use does not do: scenes about it are left out with that one, or are content with less. */
export type Limit =
  /** Who is invited from another server is not told when the invite is taken back, neither by it nor of its own people. */
  | 'invites taken back'
  /** Its clients have fallback keys, and it keeps none. */
  | 'fallback keys'
  /** It does not look for events by time. */
  | 'events by time'
  /** A join that it refuses itself, since the person is in none of the rooms that a restricted one names, fails with 500. */
  | 'status of refused restricted joins'
  /** An event that it had before it found the redaction in the history is shown as it was. */
  | 'redactions found in the history'
  /** The relations of an event are not found when they came with the history. */
  | 'relations found in the history'
  /** Nobody can knock, here or there. */
  | 'knocks'
  /** Whoever has left a room, and forgotten it, is still shown its state. */
  | 'rooms that are forgotten'
  /** It knows rooms up to version 11. */
  | 'rooms of version 12'
  /** Receipts are of a room as a whole, one of each person. */
  | 'receipts by thread'
  /** A profile has a name and a picture. */
  | 'fields of profiles'
  /** An alias of another server that is not found fails with 500. */
  | 'status of unknown aliases'
  /** What is searched for in the list of public rooms of another server is not looked at. */
  | 'searches of public rooms'
  /** The first cross-signing keys need the password too. */
  | 'cross-signing keys without a password'
  /** A room that is deep in a space of another server is listed twice. */
  | 'spaces without repetition'
  /** Pages of history that its clients turn may have an event twice. */
  | 'pages without repetition';

const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  Dendrite: [
    'invites taken back',
    'fallback keys',
    'events by time',
    'status of refused restricted joins',
    'redactions found in the history',
    'relations found in the history',
    'knocks',
    'rooms that are forgotten',
    'rooms of version 12',
    'receipts by thread',
    'fields of profiles',
    'status of unknown aliases',
    'searches of public rooms',
    'cross-signing keys without a password',
    'spaces without repetition',
    'pages without repetition',
  ],
};

/** What the other side calls itself. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1version */
async function findName(): Promise<string> {
  if (otherSide === undefined || otherSide === 'self') return '';
  const { body } = await callServer(otherSide.url, 'GET', '/_matrix/federation/v1/version').catch(() => ({ body: {} }));
  const { server } = body as { server?: { name?: string } };
  return server?.name ?? '';
}

const name = await findName();

/** Whether the other side is known not to do something; ask for the reason to be told by `whyNot`. */
export function lacks(limit: Limit): boolean {
  return LIMITS[name]?.includes(limit) ?? false;
}

export const whyNot = (limit: Limit) => `${name} has no ${limit}`;

/** Whether somebody has their account on the other side. */
export function isTheirs(user: { id: string }): boolean {
  return otherSide !== undefined && otherSide !== 'self' && user.id.endsWith(`:${otherSide.name}`);
}
