import type { Pdu } from '../events/event.ts';
import { serverNameOf } from '../identifiers/server-name.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import type { AuthState } from './auth-state.ts';
import { namedPowerLevel, powerLevelOf } from './power-levels.ts';

/**
 * Whether a redaction that the auth rules let pass is carried out, once both it and its target are here. In versions 1 and 2
 * the auth rules have already said so.
 *
 * @param state the state the redaction was sent in.
 *
 * https://spec.matrix.org/latest/rooms/v3/#handling-redactions
 */
export function checkRedaction(redaction: Pdu, target: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  if (rules.redactionAuthRule) return allow();
  if (serverNameOf(redaction.sender) === serverNameOf(target.sender)) return allow();
  const level = powerLevelOf(redaction.sender, state, rules);
  const required = namedPowerLevel('redact', state, rules);
  if (level >= required) return allow();
  return refuse(`${redaction.sender} has power level ${level}, and to redact the events of others takes ${required}.`);
}
