import { notificationPowerLevel, type PowerState, powerLevelOf } from '../auth-rules/power-levels.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';

/** What push rules ask about beside the event. One context serves all users of a room but for `userId` and `displayName`. */
export type PushContext = {
  /** Whose rules are evaluated. Nobody is notified of their own events. */
  userId: string;
  /** Their display name in the room; `undefined` when they have none. */
  displayName?: string | undefined;
  /** The joined members of the room. */
  memberCount: number;
  /** Whether they follow the thread that the event is part of; `undefined` when it is part of none. */
  followsThread?: boolean | undefined;
  /** Whether the sender may cause a notification of this kind, see {@link createNotificationPermission}. */
  hasNotificationPermission(key: string): boolean;
};

/**
 * Answers the condition `sender_notification_permission` from the room's state: the sender's power level, infinite for the
 * creators of version 12 rooms, against the level in `notifications`, which is 50 when unset.
 *
 * https://spec.matrix.org/latest/client-server-api/#conditions-1
 */
export function createNotificationPermission(sender: string, state: PowerState, rules: RoomVersionRules): (key: string) => boolean {
  return (key) => powerLevelOf(sender, state, rules) >= notificationPowerLevel(key, state, rules);
}
