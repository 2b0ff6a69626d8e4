/** Starts the app: shows what was kept, and then loads the model. */
import { render } from 'preact';
import { App } from './app.js';
import { keepOffline } from './offline.js';
import { Settings } from './settings.js';
import './style/base.css';
import './style/page.css';
import './style/chat.css';
import './style/dialogs.css';
import { Page } from './ui/Page.js';

const app = await App.start(new Settings());
render(<Page app={app} />, document.body);
await app.openFirst(keepOffline());
