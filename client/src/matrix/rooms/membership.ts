/** https://spec.matrix.org/latest/client-server-api/#mroommember */
export type Membership = 'join' | 'invite' | 'knock' | 'leave' | 'ban';
