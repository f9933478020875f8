import { manageAccount } from 'federation-spec/api/oauth/authorization-server.ts';
import type { SignedIn } from '../../domain/accounts/oauth/browser-sessions.ts';
import { PASSWORD_STAGE } from '../../domain/accounts/uia-stages.ts';
import { html } from '../pages/html.ts';
import { type AccountAction, PASSWORD_ACTION, SIGN_IN_ACTION } from './account-actions.ts';
import { profileSection } from './account-profile-section.ts';
import { type AccountSection, type AccountSectionDeps, type AccountVisit, checkPresence, passwordField } from './account-section.ts';
import { signInSection } from './account-sign-in-section.ts';

type Deps = AccountSectionDeps;

export function createAccountSections(deps: Deps) {
  return {
    open(visit: AccountVisit, action: AccountAction, deviceId: string | undefined): AccountSection {
      const { signedIn } = visit;
      if (action === 'org.matrix.profile') return profileSection(deps, visit);
      if (action === SIGN_IN_ACTION) return signInSection(deps, visit);
      if (action === PASSWORD_ACTION) return passwordSection(deps, signedIn);
      if (action === 'org.matrix.account_deactivate') return deactivateSection(deps, signedIn);
      if (action === 'org.matrix.cross_signing_reset') return resetSection(deps, signedIn);
      if (action === 'org.matrix.devices_list' || deviceId === undefined) return devicesSection(deps, signedIn);
      return deviceSection(deps, signedIn, deviceId);
    },
  };
}

function devicesSection({ accounts }: Deps, { account }: SignedIn): AccountSection {
  return {
    action: 'org.matrix.devices_list',
    async show() {
      const devices = await accounts.devices.list(account.userNid);
      const href = (deviceId: string) =>
        `${manageAccount.path}?${new URLSearchParams({ action: 'org.matrix.device_view', device_id: deviceId })}`;
      const item = ({ deviceId, displayName, lastSeenAt }: (typeof devices)[number]) =>
        html`<li><a href="${href(deviceId)}">${displayName ?? deviceId}</a><br><small>${deviceId} · ${describeTime(lastSeenAt)}</small></li>`;
      return {
        title: 'Your devices',
        body: devices.length === 0 ? html`<p>No device is logged in.</p>` : html`<ul>${devices.map(item)}</ul>`,
      };
    },
    act: async () => ({ said: 'Nothing was changed.' }),
  };
}

function deviceSection(deps: Deps, signedIn: SignedIn, deviceId: string): AccountSection {
  const { accounts } = deps;
  const { account } = signedIn;
  return {
    action: 'org.matrix.device_view',
    async show(formToken) {
      const device = (await accounts.devices.list(account.userNid)).find((each) => each.deviceId === deviceId);
      if (device === undefined)
        return { title: 'Device', body: html`<p>You have no device <code>${deviceId}</code>. It is logged out.</p>` };
      return {
        title: device.displayName ?? device.deviceId,
        body: html`<p class="soft"><code>${device.deviceId}</code> · ${describeTime(device.lastSeenAt)}${device.lastSeenIp !== null && ` · ${device.lastSeenIp}`}</p>
<form method="post">${formToken}
<label>Name of the device <input name="display_name" maxlength="100" value="${device.displayName ?? ''}"></label>
<button class="main" name="do" value="rename">Save</button></form>
<form method="post">${formToken}
<p>Logging it out removes its keys: messages that only it can read are lost.</p>
<button class="bad" name="do" value="delete">Log this device out</button></form>`,
      };
    },
    async act(form) {
      if (form['do'] === 'rename') {
        await accounts.devices.rename(account, deviceId, (form['display_name'] ?? '').trim());
        return { said: 'Saved.' };
      }
      if (form['do'] !== 'delete') return { said: 'Nothing was changed.' };
      await accounts.devices.remove(account, [deviceId]);
      return { said: `The device ${deviceId} is logged out.`, next: devicesSection(deps, signedIn) };
    },
  };
}

function resetSection({ oauth, accounts }: Deps, signedIn: SignedIn): AccountSection {
  return {
    action: 'org.matrix.cross_signing_reset',
    show: async (formToken) => ({
      title: 'Reset your cryptographic identity',
      body: html`<p>Do this only if you have lost every device that is logged in, and your recovery key. Your contacts will be told that
your identity has changed, and must verify you again.</p>
<form method="post">${formToken}${passwordField(signedIn)}
<button class="bad" name="do" value="reset">Allow the reset</button></form>`,
    }),
    async act(form) {
      await checkPresence(accounts, signedIn, form);
      await oauth.crossSigningReset.approve(signedIn.account.userNid);
      return { said: 'Allowed, for the next ten minutes. Go back to your client: it goes on there.' };
    },
  };
}

function passwordSection({ accounts }: Deps, signedIn: SignedIn): AccountSection {
  const { account } = signedIn;
  return {
    action: PASSWORD_ACTION,
    show: async (formToken) => ({
      title: 'Change your password',
      body:
        account.passwordHash === null
          ? html`<p>Your account has no password: you sign in elsewhere.</p>`
          : html`<form method="post">${formToken}${passwordField(signedIn)}
<label>New password <input name="new_password" type="password" autocomplete="new-password" minlength="8" required></label>
<label class="check"><input type="checkbox" name="log_out" value="yes" checked>Log all my devices out</label>
<button class="main" name="do" value="change">Change password</button></form>`,
    }),
    async act(form) {
      await accounts.changePassword({
        requester: { ...account, deviceId: '' },
        newPassword: form['new_password'] ?? '',
        logOutDevices: form['log_out'] === 'yes',
        auth: { type: PASSWORD_STAGE, password: form['password'] ?? '' },
      });
      return { said: 'Your password is changed. Sign in with it from now on.', isGone: true };
    },
  };
}

function deactivateSection({ accounts }: Deps, signedIn: SignedIn): AccountSection {
  const { account } = signedIn;
  return {
    action: 'org.matrix.account_deactivate',
    show: async (formToken) => ({
      title: 'Deactivate your account',
      body: html`<p>This cannot be undone. You leave all rooms, and nobody, you included, can ever use <strong>${account.userId}</strong> again.</p>
<form method="post">${formToken}${passwordField(signedIn)}
<label class="check"><input type="checkbox" name="erase" value="yes">Hide my messages from people who join later</label>
<button class="bad" name="do" value="deactivate">Deactivate for ever</button></form>`,
    }),
    async act(form) {
      await checkPresence(accounts, signedIn, form);
      await accounts.deactivate.byAdmin({ ...account, erase: form['erase'] === 'yes' });
      return { said: `The account ${account.userId} is deactivated.`, isGone: true };
    },
  };
}

function describeTime(lastSeenAt: number | null): string {
  return lastSeenAt === null ? 'not seen lately' : `last seen ${new Date(lastSeenAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
