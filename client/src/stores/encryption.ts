import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { EncryptionState } from '../matrix/crypto/encryption.ts';
import type { Verification } from '../matrix/crypto/verification.ts';
import type { AuthAnswer, Authenticate } from '../matrix/session/interactive-auth.ts';
import { useSessionStore } from './session.ts';

type PasswordQuestion = { error: string | undefined; answer: (password: string | undefined) => void };

/** Where this device stands with encryption, the verification under way, and the password that the server may ask for. */
export const useEncryptionStore = defineStore('encryption', () => {
  const session = useSessionStore();
  const state = shallowRef<EncryptionState>({ state: 'loading' });
  const verification = shallowRef<Verification>();
  /** The user chose to unlock later; asked again at the next start. */
  const isPostponed = ref(false);
  /** While the server asks for the password: show the question. */
  const passwordQuestion = shallowRef<PasswordQuestion>();

  watch(
    () => session.client,
    (client, _previous, onCleanup) => {
      state.value = client?.encryption.state.get() ?? { state: 'loading' };
      verification.value = client?.encryption.verification.get();
      isPostponed.value = false;
      if (client === undefined) return;
      const stops = [
        client.encryption.state.subscribe((value) => {
          state.value = value;
        }),
        client.encryption.verification.subscribe((value) => {
          verification.value = value;
        }),
      ];
      onCleanup(() => {
        for (const stop of stops) stop();
      });
    },
    { immediate: true },
  );

  // The password of the sign-in serves the set-up that follows it at once, and nothing later.
  watch(
    () => state.value.state,
    (now) => {
      if (now === 'ready' || now === 'needs-verification') session.takeFreshPassword();
    },
  );

  const needsSetup = computed(() => state.value.state === 'needs-setup');
  const needsUnlock = computed(() => state.value.state === 'needs-verification');

  /** Answers with the password typed at sign-in when there is one, else asks for it. */
  const authenticate: Authenticate = async ({ flows, completed, error }) => {
    const canUsePassword = flows.some((stages) => stages.every((stage) => stage === 'm.login.password' || completed.includes(stage)));
    if (!canUsePassword) return undefined;
    const password = session.takeFreshPassword() ?? (await askPassword(error));
    if (password === undefined) return undefined;
    const answer: AuthAnswer = { type: 'm.login.password', identifier: { type: 'm.id.user', user: session.loadClient().userId }, password };
    return answer;
  };

  function askPassword(error: string | undefined): Promise<string | undefined> {
    return new Promise((resolve) => {
      passwordQuestion.value = {
        error,
        answer(password) {
          passwordQuestion.value = undefined;
          resolve(password);
        },
      };
    });
  }

  return { state, verification, isPostponed, passwordQuestion, needsSetup, needsUnlock, authenticate };
});
