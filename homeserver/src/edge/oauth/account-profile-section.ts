import { Readable } from 'node:stream';
import { manageAccount, showAccountPicture } from 'federation-spec/api/oauth/authorization-server.ts';
import { sniffImage } from '../../domain/media/sniff-image.ts';
import { invalidParam, missingParam } from '../../platform/matrix-error.ts';
import { type Html, html } from '../pages/html.ts';
import {
  type AccountSection,
  type AccountSectionDeps,
  type AccountVisit,
  checkPresence,
  type Done,
  type Form,
  passwordField,
} from './account-section.ts';
import type { UploadedFile } from './upload-form.ts';

const ACTION = 'org.matrix.profile';
const FIRST_ATTEMPT = 1;

/** Name, picture and e-mail addresses. */
export function profileSection(deps: AccountSectionDeps, visit: AccountVisit): AccountSection {
  const { accounts, profiles } = deps;
  const { account } = visit.signedIn;
  return {
    action: ACTION,
    async show(formToken) {
      const profile = await profiles.load(account.userId);
      const addresses = await accounts.threepids.list(account.userNid);
      const name = typeof profile['displayname'] === 'string' ? profile['displayname'] : '';
      return {
        title: 'Your profile',
        body: html`<form method="post">${formToken}
<label>Name that others see
<input name="displayname" maxlength="256" autocomplete="nickname" value="${name}"></label>
<button class="main" name="do" value="save">Save</button></form>
${pictureForm(formToken, typeof profile['avatar_url'] === 'string' ? profile['avatar_url'] : undefined)}
${addressForms(
  formToken,
  addresses.map(({ address }) => address),
  visit,
)}`,
      };
    },
    act: (form, file) => act(deps, visit, form, file),
  };
}

/** The address of the picture changes with it, since browsers keep what they have seen. */
function pictureForm(formToken: Html, uri: string | undefined): Html {
  const hasPicture = uri !== undefined;
  return html`<h2>Picture</h2>
${hasPicture && html`<p><img src="${showAccountPicture.path}?of=${encodeURIComponent(uri)}" alt="Your picture" width="96" height="96"></p>`}
<form method="post" enctype="multipart/form-data">${formToken}
<label>New picture <input name="picture" type="file" accept="image/png,image/jpeg,image/gif,image/webp,image/avif" required></label>
<button name="do" value="picture">Use this picture</button></form>
${hasPicture && html`<form method="post">${formToken}<button name="do" value="no-picture">Remove the picture</button></form>`}`;
}

function addressForms(formToken: Html, addresses: readonly string[], { signedIn }: AccountVisit): Html {
  const item = (address: string) => html`<li>${address}
<details><summary>Remove</summary><form method="post">${formToken}<input type="hidden" name="email" value="${address}">${passwordField(signedIn)}
<button class="bad" name="do" value="remove-email">Remove ${address}</button></form></details></li>`;
  return html`<h2>E-mail addresses</h2>
${addresses.length === 0 ? html`<p class="soft">There is no e-mail address with this account: a forgotten password cannot be set anew.</p>` : html`<ul>${addresses.map(item)}</ul>`}
<form method="post">${formToken}
<label>Another address <input name="email" type="email" autocomplete="email" required></label>
<button name="do" value="mail-code">Send me a code</button></form>`;
}

async function act(deps: AccountSectionDeps, visit: AccountVisit, form: Form, file: UploadedFile | undefined): Promise<Done> {
  const { accounts, profiles } = deps;
  const { account } = visit.signedIn;
  if (form['do'] === 'picture') return await setPicture(deps, visit, file);
  if (form['do'] === 'no-picture') {
    await profiles.deleteField(account, 'avatar_url');
    return { said: 'Your picture is removed.' };
  }
  if (form['do'] === 'mail-code') return await mailCode(deps, visit, form['email'] ?? '');
  if (form['do'] === 'add-email') return await addAddress(deps, visit, form);
  if (form['do'] === 'remove-email') {
    await checkPresence(accounts, visit.signedIn, form);
    const address = form['email'] ?? '';
    await accounts.identityBindings.unbind(account, { medium: 'email', address, idServer: undefined });
    await accounts.threepids.remove(account.userNid, 'email', address);
    return { said: `${address} is removed.` };
  }
  const name = (form['displayname'] ?? '').trim();
  if (name === '') await profiles.deleteField(account, 'displayname');
  else await profiles.setField(account, 'displayname', name);
  return { said: 'Saved.' };
}

async function setPicture(
  { media, profiles }: AccountSectionDeps,
  { signedIn }: AccountVisit,
  file: UploadedFile | undefined,
): Promise<Done> {
  if (file === undefined) throw missingParam('Choose a picture first.');
  const contentType = sniffImage(file.bytes);
  if (contentType === undefined) throw invalidParam('This is no picture of a kind that can be shown: PNG, JPEG, GIF, WebP or AVIF.');
  const description = { contentType, fileName: file.fileName, length: file.bytes.length };
  const uri = await media.upload(signedIn.account.userNid, Readable.from([file.bytes]), description);
  await profiles.setField(signedIn.account, 'avatar_url', uri);
  return { said: 'This is your picture now.' };
}

async function mailCode({ accounts }: AccountSectionDeps, visit: AccountVisit, email: string): Promise<Done> {
  const { visitor, isLoopback } = visit;
  const request = { purpose: 'add-address', email, clientSecret: visitor.secret, sendAttempt: FIRST_ATTEMPT, isLoopback } as const;
  const { sid } = await accounts.emailValidations.request(request);
  return { said: `We have sent a code to ${email}.`, more: codeForm(visit, sid, email) };
}

function codeForm({ visitor, signedIn }: AccountVisit, sid: string, email: string): Html {
  return html`<form method="post" action="${manageAccount.path}?action=${ACTION}">${visitor.formToken}<input type="hidden" name="sid" value="${sid}"><input type="hidden" name="email" value="${email}">
<label>Code from the mail <input name="code" inputmode="numeric" autocomplete="one-time-code" required></label>
${passwordField(signedIn)}<button class="main" name="do" value="add-email">Add ${email}</button></form>`;
}

async function addAddress({ accounts }: AccountSectionDeps, { visitor, signedIn }: AccountVisit, form: Form): Promise<Done> {
  await checkPresence(accounts, signedIn, form);
  const proof = { sid: form['sid'] ?? '', clientSecret: visitor.secret };
  await accounts.emailValidations.submitCode({ ...proof, code: form['code'] ?? '' });
  await accounts.threepids.addProven(signedIn.account.userNid, proof);
  return { said: `${form['email'] ?? 'The address'} is added.` };
}
