/** What the account page can do, by the names that clients link to. https://spec.matrix.org/latest/client-server-api/#account-management-url-actions */
export const ACCOUNT_ACTIONS = [
  'org.matrix.profile',
  'org.matrix.devices_list',
  'org.matrix.device_view',
  'org.matrix.device_delete',
  'org.matrix.account_deactivate',
  'org.matrix.cross_signing_reset',
] as const;
/** One more, of our own: clients of OAuth 2.0 leave the password to this page. */
export const PASSWORD_ACTION = 'chat.blinkchat.password' as const;
/** Another one: by which providers somebody signs in. */
export const SIGN_IN_ACTION = 'chat.blinkchat.sign_in' as const;
export type AccountAction = (typeof ACCOUNT_ACTIONS)[number] | typeof PASSWORD_ACTION | typeof SIGN_IN_ACTION;
const ALL_ACTIONS: readonly AccountAction[] = [...ACCOUNT_ACTIONS, PASSWORD_ACTION, SIGN_IN_ACTION];

/** What the actions were called before they were in the specification (MSC4191). */
const EARLIER_NAMES: Readonly<Record<string, AccountAction>> = {
  profile: 'org.matrix.profile',
  sessions_list: 'org.matrix.devices_list',
  session_view: 'org.matrix.device_view',
  session_end: 'org.matrix.device_delete',
  'org.matrix.sessions_list': 'org.matrix.devices_list',
  'org.matrix.session_view': 'org.matrix.device_view',
  'org.matrix.session_end': 'org.matrix.device_delete',
  account_deactivate: 'org.matrix.account_deactivate',
  cross_signing_reset: 'org.matrix.cross_signing_reset',
};

/** The action that a link names; the profile when it names none that we know. */
export function readAccountAction(name: string | undefined): AccountAction {
  const known = ALL_ACTIONS.find((action) => action === name);
  return known ?? (name !== undefined && Object.hasOwn(EARLIER_NAMES, name) ? EARLIER_NAMES[name] : undefined) ?? 'org.matrix.profile';
}
