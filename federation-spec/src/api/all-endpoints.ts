import * as synapseAdmin from './admin/synapse-admin.ts';
import * as synapseMedia from './admin/synapse-media.ts';
import * as synapseRegistrationTokens from './admin/synapse-registration-tokens.ts';
import * as synapseRooms from './admin/synapse-rooms.ts';
import * as synapseServer from './admin/synapse-server.ts';
import * as synapseUsers from './admin/synapse-users.ts';
import * as appserviceKeys from './appservice/keys.ts';
import * as appservicePing from './appservice/ping.ts';
import * as appserviceQueries from './appservice/queries.ts';
import * as appserviceThirdPartyNetworks from './appservice/third-party-networks.ts';
import * as appserviceTransactions from './appservice/transactions.ts';
import * as account from './client/account.ts';
import * as accountData from './client/account-data.ts';
import * as admin from './client/admin.ts';
import * as administrativeContact from './client/administrative-contact.ts';
import * as appservice from './client/appservice.ts';
import * as capabilities from './client/capabilities.ts';
import * as crossSigning from './client/cross-signing.ts';
import * as dehydratedDevices from './client/dehydrated-devices.ts';
import * as delayedEvents from './client/delayed-events.ts';
import * as devices from './client/devices.ts';
import * as directory from './client/directory.ts';
import * as emailValidation from './client/email-validation.ts';
import * as fallbackPages from './client/fallback-pages.ts';
import * as filters from './client/filters.ts';
import * as keyBackup from './client/key-backup.ts';
import * as keys from './client/keys.ts';
import * as login from './client/login.ts';
import * as media from './client/media.ts';
import * as membership from './client/membership.ts';
import * as messages from './client/messages.ts';
import * as missedMails from './client/missed-mails.ts';
import * as mutualRooms from './client/mutual-rooms.ts';
import * as notifications from './client/notifications.ts';
import * as oauth from './client/oauth.ts';
import * as oldSync from './client/old-sync.ts';
import * as openid from './client/openid.ts';
import * as presence from './client/presence.ts';
import * as profile from './client/profile.ts';
import * as pushRules from './client/push-rules.ts';
import * as pushers from './client/pushers.ts';
import * as receipts from './client/receipts.ts';
import * as registration from './client/registration.ts';
import * as rendezvous from './client/rendezvous.ts';
import * as reports from './client/reports.ts';
import * as retention from './client/retention.ts';
import * as rooms from './client/rooms.ts';
import * as rtc from './client/rtc.ts';
import * as search from './client/search.ts';
import * as send from './client/send.ts';
import * as sharedSecretRegistration from './client/shared-secret-registration.ts';
import * as slidingSync from './client/sliding-sync.ts';
import * as spaces from './client/spaces.ts';
import * as state from './client/state.ts';
import * as sync from './client/sync.ts';
import * as tags from './client/tags.ts';
import * as thirdPartyNetworks from './client/third-party-networks.ts';
import * as threadSubscriptions from './client/thread-subscriptions.ts';
import * as toDevice from './client/to-device.ts';
import * as typing from './client/typing.ts';
import * as userDirectory from './client/user-directory.ts';
import * as versions from './client/versions.ts';
import * as voip from './client/voip.ts';
import * as wellKnown from './client/well-known.ts';
import type { Endpoint } from './endpoint.ts';
import * as authorizationServer from './oauth/authorization-server.ts';
import * as pushGatewayNotify from './push-gateway/notify.ts';
import * as serverBackfill from './server/backfill.ts';
import * as serverDevices from './server/devices.ts';
import * as serverEvents from './server/events.ts';
import * as serverInvites from './server/invites.ts';
import * as serverJoining from './server/joining.ts';
import * as serverKeys from './server/keys.ts';
import * as serverKnocking from './server/knocking.ts';
import * as serverLeaving from './server/leaving.ts';
import * as serverMedia from './server/media.ts';
import * as serverOpenid from './server/openid.ts';
import * as serverPolicy from './server/policy.ts';
import * as serverPublicRooms from './server/public-rooms.ts';
import * as serverQueries from './server/queries.ts';
import * as serverSpaces from './server/spaces.ts';
import * as serverState from './server/state.ts';
import * as serverTransactions from './server/transactions.ts';
import * as serverVersion from './server/version.ts';

/** The APIs that endpoints belong to. Operation ids are unique within one. */
export type ApiName = 'client' | 'server' | 'appservice' | 'pushGateway' | 'oauth' | 'admin';

/** A module below `api/` exports endpoints and nothing else. */
type EndpointModule = Readonly<Record<string, Endpoint>>;

function list(...modules: EndpointModule[]): readonly Endpoint[] {
  return modules.flatMap((module) => Object.values(module));
}

/** Every endpoint there is, for tables and for checks that nothing is missing; whoever calls or serves one imports it by name. */
export const endpointsByApi: Readonly<Record<ApiName, readonly Endpoint[]>> = {
  client: list(
    account,
    accountData,
    admin,
    administrativeContact,
    appservice,
    capabilities,
    crossSigning,
    dehydratedDevices,
    delayedEvents,
    devices,
    directory,
    emailValidation,
    missedMails,
    fallbackPages,
    filters,
    keyBackup,
    keys,
    login,
    media,
    membership,
    messages,
    mutualRooms,
    notifications,
    oauth,
    oldSync,
    openid,
    presence,
    profile,
    pushRules,
    pushers,
    receipts,
    registration,
    rendezvous,
    reports,
    retention,
    rooms,
    rtc,
    search,
    send,
    sharedSecretRegistration,
    slidingSync,
    spaces,
    state,
    sync,
    tags,
    thirdPartyNetworks,
    threadSubscriptions,
    toDevice,
    typing,
    userDirectory,
    versions,
    voip,
    wellKnown,
  ),
  server: list(
    serverBackfill,
    serverDevices,
    serverEvents,
    serverInvites,
    serverJoining,
    serverKeys,
    serverKnocking,
    serverLeaving,
    serverMedia,
    serverOpenid,
    serverPolicy,
    serverPublicRooms,
    serverQueries,
    serverSpaces,
    serverState,
    serverTransactions,
    serverVersion,
  ),
  appservice: list(appserviceKeys, appservicePing, appserviceQueries, appserviceThirdPartyNetworks, appserviceTransactions),
  pushGateway: list(pushGatewayNotify),
  oauth: list(authorizationServer),
  admin: list(synapseAdmin, synapseMedia, synapseRegistrationTokens, synapseRooms, synapseServer, synapseUsers),
};

export const allEndpoints: readonly Endpoint[] = Object.values(endpointsByApi).flat();
