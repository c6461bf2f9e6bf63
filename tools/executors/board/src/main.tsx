import { render } from 'preact';
import { App } from './app.tsx';
import { openData } from './data.ts';

const root = document.getElementById('board');
if (root) render(<App data={openData()} />, root);
