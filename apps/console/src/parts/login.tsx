// The door: one field for the token that `tospann token` prints.
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { login } from '../live/session.ts';
import { nodeName, reconnectNow } from '../live/store.ts';
import { Mark } from './header.tsx';

export function Login(): JSX.Element {
  const token = useSignal('');
  const message = useSignal('');
  const isBusy = useSignal(false);
  const submit = async (): Promise<void> => {
    isBusy.value = true;
    const result = await login(token.value.trim());
    isBusy.value = false;
    message.value = result.ok ? '' : result.message;
    if (result.ok) reconnectNow();
  };
  return (
    <main class="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy.value) void submit();
        }}
      >
        <Mark />
        <h1>{nodeName.value === '' ? 'Tospann' : `Tospann on ${nodeName.value}`}</h1>
        {/* Password managers keep one entry for each name. */}
        <input type="text" name="username" autocomplete="username" value="tospann" readOnly hidden />
        <label for="token">Token of the cluster</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          autofocus
          data-testid="login-token"
          aria-describedby="token-hint token-error"
          aria-invalid={message.value !== ''}
          value={token.value}
          onInput={(event) => (token.value = event.currentTarget.value)}
        />
        <p id="token-hint" class="soft">
          Run <code>tospann token</code> on either node: it is the same on both.
        </p>
        <p id="token-error" class="error" role="alert">
          {message.value}
        </p>
        <button type="submit" class="primary" data-testid="login-submit" disabled={isBusy.value}>
          {isBusy.value ? 'Asking…' : 'Open the console'}
        </button>
      </form>
    </main>
  );
}
