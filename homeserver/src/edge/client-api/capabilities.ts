import { getCapabilities } from 'federation-spec/api/client/capabilities.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#capabilities-negotiation */
export function capabilitiesRoute({
  roomVersions,
  defaultRoomVersion,
  ownPush,
  delayedEvents,
}: {
  roomVersions: readonly string[];
  defaultRoomVersion: string;
  /** How to ask our own push gateway. */
  ownPush: { url: string; app_ids: string[]; vapid_public_key: string };
  /** How long events may wait, and how many of one person. */
  delayedEvents: { max_delay_ms: number; max_scheduled: number };
}): Route {
  const available = Object.fromEntries(roomVersions.map((version) => [version, 'stable' as const]));
  return route(getCapabilities, async ({ requester }) => ({
    capabilities: {
      // A guest has no password, and neither have the users of application services.
      'm.change_password': { enabled: !requester.isGuest && requester.appservice === undefined },
      'm.forget_forced_upon_leave': { enabled: false },
      'm.room_versions': { default: defaultRoomVersion, available },
      'm.set_displayname': { enabled: true },
      'm.set_avatar_url': { enabled: true },
      'm.3pid_changes': { enabled: !requester.isGuest },
      'm.get_login_token': { enabled: !requester.isGuest && requester.appservice === undefined },
      'm.profile_fields': { enabled: true },
      'm.delayed_events': delayedEvents,
      'org.matrix.msc4140.delayed_events': delayedEvents,
      'chat.blinkchat.push': ownPush,
      ...(requester.isAdmin ? { 'm.account_moderation': { suspend: true, lock: true } } : {}),
    },
  }));
}
