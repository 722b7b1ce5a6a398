// What an operator may do with a server, behind a question: nothing is changed by one click. The dialog is the browser's
// own (modal, focus kept inside, Escape closes it).
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AdminState, ServerStatus } from '@tospann/api/contract';
import { changeServer } from '../live/session.ts';

const words: Readonly<Record<AdminState, { readonly verb: string; readonly meaning: string }>> = {
  ready: { verb: 'Ready', meaning: 'It takes requests again as configured, as soon as its checks allow it.' },
  drain: { verb: 'Drain', meaning: 'It gets no new sessions. Those that it has stay until they end.' },
  maint: {
    verb: 'Maintain',
    meaning: 'It gets nothing at all, its sessions go to other servers. Requests under way end.',
  },
};
const states: readonly AdminState[] = ['ready', 'drain', 'maint'];

interface Target {
  readonly backend: string;
  readonly server: ServerStatus;
}

/** The buttons for the states that the server is not in. */
export function ServerOrders({ backend, server }: Target): JSX.Element {
  const asked = useSignal<AdminState | undefined>(undefined);
  const now = server.admin ?? 'ready';
  return (
    <span class="orders">
      {states
        .filter((state) => state !== now)
        .map((state) => (
          <button
            key={state}
            type="button"
            class="plain"
            data-testid={`${state}-${backend}-${server.name}`}
            aria-label={`${words[state].verb} ${backend}/${server.name}`}
            onClick={() => (asked.value = state)}
          >
            {words[state].verb}
          </button>
        ))}
      {asked.value === undefined ? null : (
        <Question backend={backend} server={server} state={asked.value} close={() => (asked.value = undefined)} />
      )}
    </span>
  );
}

interface QuestionProps extends Target {
  readonly state: AdminState;
  readonly close: () => void;
}

function Question({ backend, server, state, close }: QuestionProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const message = useSignal('');
  const isBusy = useSignal(false);
  /** The node has refused once: it is the last one. Asked again, knowing that, it does it. */
  const isLast = useSignal(false);
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = async (): Promise<void> => {
    isBusy.value = true;
    const result = await changeServer(
      { backend, server: server.name },
      { state, ...(isLast.value ? { force: true } : {}) },
    );
    isBusy.value = false;
    if (result.ok) close();
    else {
      message.value = result.isLast ? `${result.message} Every new request gets 503 then.` : result.message;
      isLast.value = result.isLast;
    }
  };
  const title = `${words[state].verb} ${backend}/${server.name}?`;
  return (
    <dialog ref={dialog} class="question" aria-label={title} onClose={close} data-testid="question">
      <h3>{title}</h3>
      <p>{words[state].meaning} On both nodes, and kept over reloads and restarts.</p>
      <p class="error" role="alert">
        {message.value}
      </p>
      <p class="choices">
        <button
          type="button"
          class={isLast.value ? 'primary danger' : 'primary'}
          data-testid="question-yes"
          disabled={isBusy.value}
          onClick={() => void confirm()}
        >
          {isBusy.value ? 'Asking…' : isLast.value ? `${words[state].verb} all the same` : words[state].verb}
        </button>
        <button type="button" class="plain" data-testid="question-no" onClick={() => dialog.current?.close()}>
          Leave it
        </button>
      </p>
    </dialog>
  );
}
