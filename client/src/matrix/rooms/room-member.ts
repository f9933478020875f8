import type { Membership } from './membership.ts';

/** A member as shown in a list or beside a message. */
export type RoomMember = {
  userId: string;
  /** The name to show; made unambiguous with the user id when two members share it. */
  displayName: string;
  avatarUrl: string | undefined;
  membership: Membership;
  powerLevel: number;
  role: 'creator' | 'admin' | 'moderator' | 'member';
};

/** What the user may do in a room, by its power levels. */
export type RoomPermissions = {
  sendMessages: boolean;
  react: boolean;
  redactOthers: boolean;
  invite: boolean;
  kick: boolean;
  ban: boolean;
  changeName: boolean;
  changeTopic: boolean;
  changeAvatar: boolean;
  changePowerLevels: boolean;
  enableEncryption: boolean;
};
