import { setTyping } from 'federation-spec/api/client/typing.ts';
import type { Typing } from '../../domain/ephemeral/typing.ts';
import { forbidden } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#typing-notifications */
export function typingRoute(typing: Typing): Route {
  return route(setTyping, async ({ params: { roomId, userId }, body, requester }) => {
    if (userId !== requester.userId) throw forbidden(`You are ${requester.userId} and cannot type for ${userId}.`);
    await typing.set(requester, { roomId, isTyping: body.typing, timeoutMs: body.timeout });
    return {};
  });
}
