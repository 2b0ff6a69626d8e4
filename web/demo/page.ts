/** The page's elements, found once and typed, and small ways to write to them. */

function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

const button = (id: string) => byId(id, HTMLButtonElement);
const any = (id: string) => byId(id, HTMLElement);

export const page = {
  modelName: any('model-name'),
  newChat: button('new-chat'),
  openSettings: button('open-settings'),
  scroller: any('scroller'),
  welcome: any('welcome'),
  examples: any('examples'),
  language: any('language'),
  conversation: any('conversation'),
  loading: any('loading'),
  loadingTitle: any('loading-title'),
  loadingBar: byId('loading-bar', HTMLProgressElement),
  loadingDetail: any('loading-detail'),
  cancelLoad: button('cancel-load'),
  problem: any('problem'),
  problemTitle: any('problem-title'),
  problemAdvice: any('problem-advice'),
  problemDetail: any('problem-detail'),
  problemPick: button('problem-pick'),
  retry: button('retry'),
  composer: byId('composer', HTMLFormElement),
  message: byId('message', HTMLTextAreaElement),
  send: button('send'),
  stop: button('stop'),
  settings: byId('settings', HTMLDialogElement),
  facts: any('facts'),
  pick: button('pick'),
  useDefault: button('use-default'),
  system: byId('system', HTMLTextAreaElement),
  temperature: byId('temperature', HTMLInputElement),
  temperatureValue: byId('temperature-value', HTMLOutputElement),
  file: byId('file', HTMLInputElement),
};

/** An element with text in it; text is never read as markup. */
export function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
