import type { ThirdPartyInvite } from 'federation-spec/api/schemas/third-party-identifiers.ts';
import type { ThirdPartyAddress } from '../../domain/rooms/third-party/identity-servers.ts';

export function toThirdPartyAddress({ id_server, id_access_token, medium, address }: ThirdPartyInvite): ThirdPartyAddress {
  return { idServer: id_server, idAccessToken: id_access_token, medium, address };
}
