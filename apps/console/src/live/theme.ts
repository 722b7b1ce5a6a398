// Light, dark, or what the system says: kept in this browser only.
import { signal, type ReadonlySignal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const order: readonly Theme[] = ['auto', 'light', 'dark'];
const themeSignal = signal<Theme>(stored());
export const theme: ReadonlySignal<Theme> = themeSignal;

/** Goes to the next theme. */
export function nextTheme(): void {
  themeSignal.value = order[(order.indexOf(themeSignal.value) + 1) % order.length] ?? 'auto';
  try {
    localStorage.setItem('theme', themeSignal.value);
  } catch {
    // A browser that stores nothing still changes the page.
  }
  applyTheme();
}

/** Puts the theme on the document. */
export function applyTheme(): void {
  document.documentElement.dataset['theme'] = themeSignal.value;
}

function stored(): Theme {
  try {
    const value = localStorage.getItem('theme');
    return order.find((theme) => theme === value) ?? 'auto';
  } catch {
    return 'auto';
  }
}
