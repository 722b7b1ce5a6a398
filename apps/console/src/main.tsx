// The console's entry: styles, theme, the live stream, the page.
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './parts/app.tsx';
import { start } from './live/store.ts';
import { applyTheme } from './live/theme.ts';

applyTheme();
start();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
