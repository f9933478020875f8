import type { RateLimiter, SubjectLimitClass } from './rate-limit.ts';

type Request = { caller: string; params: Readonly<Record<string, unknown>>; body: unknown };
type Taken = { limitClass: SubjectLimitClass; subject: string; count?: number };

const invitesOf = (caller: string, people: readonly unknown[]): Taken[] => {
  const named = people.filter((person) => typeof person === 'string');
  if (named.length === 0) return [];
  return [
    { limitClass: 'inviting', subject: caller, count: named.length },
    ...named.map((subject): Taken => ({ limitClass: 'invited', subject })),
  ];
};

const aliasOf = (caller: string): Taken => ({ limitClass: 'naming-room', subject: caller });

/** What calls of an operation do to others, by the operation's name. */
const SUBJECTS: Readonly<Record<string, (request: Request) => Taken[]>> = {
  createRoom: ({ caller, body }) => {
    const people = keyOf(body, 'invite');
    const named = typeof keyOf(body, 'room_alias_name') === 'string' ? [aliasOf(caller)] : [];
    return [...named, ...(Array.isArray(people) ? invitesOf(caller, people) : [])];
  },
  setRoomAlias: ({ caller }) => [aliasOf(caller)],
  inviteUser: ({ caller, body }) => invitesOf(caller, [keyOf(body, 'user_id')]),
  sendInviteV1: ({ caller, body }) => invitesOf(caller, [keyOf(body, 'state_key')]),
  sendInviteV2: ({ caller, body }) => invitesOf(caller, [keyOf(keyOf(body, 'event'), 'state_key')]),
  knockRoom: ({ params }) => [{ limitClass: 'joined-room', subject: String(params['roomIdOrAlias']) }],
  joinRoomById: ({ params }) => [{ limitClass: 'joined-room', subject: String(params['roomId']) }],
  joinRoom: ({ params }) => [{ limitClass: 'joined-room', subject: String(params['roomIdOrAlias']) }],
};

/**
 * Holds a call to the limits of whom it concerns: many accounts together cannot flood one person with invites, nor one room with joins.
 *
 * @throws M_LIMIT_EXCEEDED
 */
export function limitSubjects(limitRate: RateLimiter, operation: string, request: Request): void {
  const list = Object.hasOwn(SUBJECTS, operation) ? SUBJECTS[operation] : undefined;
  for (const { limitClass, subject, count } of list?.(request) ?? []) limitRate(limitClass, subject, count);
}

function keyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
