import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { AuthenticationCancelled } from '../matrix/session/interactive-auth.ts';
import { useToasts } from '../ui/use-toasts.ts';
import { explainError } from './explain-error.ts';

/** Runs what the user asked for: busy meanwhile, a failure told as a toast. `run` resolves to whether it went well. */
export function useTask() {
  const { t } = useI18n();
  const toasts = useToasts();
  const isBusy = ref(false);

  async function run(task: () => Promise<unknown>): Promise<boolean> {
    if (isBusy.value) return false;
    isBusy.value = true;
    try {
      await task();
      return true;
    } catch (error) {
      if (error instanceof AuthenticationCancelled) return false;
      toasts.show('error', explainError(error, t));
      return false;
    } finally {
      isBusy.value = false;
    }
  }

  return { isBusy, run };
}
