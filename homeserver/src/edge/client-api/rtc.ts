import { getRtcTransports } from 'federation-spec/api/client/rtc.ts';
import { type Route, route } from '../http/route.ts';

/** The media servers that calls of this server's people may use. */
export type RtcTransport = { type: 'livekit'; livekit_service_url: string };

/** LiveKit's services, by the addresses at which clients ask them for a token. https://github.com/matrix-org/matrix-spec-proposals/pull/4195 */
export function livekitTransports(serviceUrls: readonly string[]): RtcTransport[] {
  return serviceUrls.map((url) => ({ type: 'livekit', livekit_service_url: url }));
}

/** https://github.com/matrix-org/matrix-spec-proposals/pull/4143 */
export function rtcRoute(transports: readonly RtcTransport[]): Route {
  return route(getRtcTransports, async () => ({ rtc_transports: transports.map((transport) => ({ ...transport })) }));
}
