/** The demo: loads a model, holds a conversation. */
import { type LoadProgress, type Model, type ModelSource, loadModel } from '../src/index.js';
import { adviceFor } from './advice.js';
import { addAnswer, addUser, clear, conversation } from './conversation.js';
import { element, megabytes, page } from './page.js';

/** Put in by the build, from models/manifest.json. */
declare const DEFAULT_MODEL: { url: string; name: string };

const CONTEXT_LENGTH = 2048;
const MAX_TOKENS = 512;
/** Without it, a model this small soon goes round in circles. */
const REPEAT_PENALTY = 1.1;
const EXAMPLES = [
  'Explain in two sentences why the sky is blue.',
  'Why do we sleep?',
  'Write a polite email asking for a day off.',
];

interface Chosen {
  label: string;
  source: ModelSource;
}

const addressed = new URLSearchParams(location.search).get('model');
const byDefault: Chosen = addressed
  ? { label: fileName(addressed), source: addressed }
  : { label: DEFAULT_MODEL.name, source: DEFAULT_MODEL.url };

let chosen = byDefault;
let model: Model | undefined;
let load: AbortController | undefined;
let answering: AbortController | undefined;

function fileName(path: string): string {
  return (path.split(/[/\\]/).pop() || path).replace(/\.gguf$/i, '');
}

// ---- Loading ----

async function choose(next: Chosen): Promise<void> {
  load?.abort();
  answering?.abort();
  model?.dispose(); // before the next one asks for memory
  model = undefined;
  chosen = next;
  clear();
  const controller = (load = new AbortController());
  showLoading(next.label);
  refresh();
  try {
    const loaded = await loadModel(next.source, {
      contextLength: CONTEXT_LENGTH,
      signal: controller.signal,
      onProgress: progressReporter(),
    });
    if (load !== controller) return loaded.dispose();
    model = loaded;
    showModel(loaded);
  } catch (error) {
    if (load !== controller) return; // another model was chosen meanwhile
    showProblem(controller.signal.aborted ? undefined : error);
  } finally {
    if (load === controller) {
      load = undefined;
      page.loading.hidden = true;
      refresh();
    }
  }
}

function showLoading(label: string): void {
  page.problem.hidden = true;
  page.loading.hidden = false;
  page.loadingTitle.textContent = `Loading ${label}`;
  page.language.hidden = chosen.source !== DEFAULT_MODEL.url;
  page.loadingBar.removeAttribute('value');
  page.loadingDetail.textContent = 'Starting the engine';
  page.modelName.textContent = '';
}

function progressReporter(): (progress: LoadProgress) => void {
  const started = performance.now();
  return ({ loaded, total }) => {
    const seconds = Math.max((performance.now() - started) / 1000, 0.05);
    const speed = `${megabytes(loaded / seconds)}/s`;
    if (total) {
      page.loadingBar.max = total;
      page.loadingBar.value = loaded;
    }
    page.loadingDetail.textContent = total
      ? `${megabytes(loaded)} of ${megabytes(total)} · ${speed}`
      : `${megabytes(loaded)} · ${speed}`;
  };
}

function showModel({ info }: Model): void {
  page.modelName.textContent = chosen.label;
  const facts: [string, string][] = [
    ['Name', info.name || chosen.label],
    ['Parameters', `${(info.parameterCount / 1e6).toFixed(0)} million, ${info.architecture}`],
    ['Weights', `${megabytes(info.weightBytes)}, mostly ${info.quantization}`],
    ['Memory', megabytes(info.memoryBytes)],
    ['Context', `${info.contextLength} tokens`],
    ['Kernels', info.kernels],
  ];
  page.facts.replaceChildren(...facts.flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]));
}

/** undefined: the load was cancelled. */
function showProblem(error: unknown): void {
  const { title, advice, detail } = error === undefined
    ? { title: 'Loading was cancelled', advice: 'Load it again, or open a GGUF file of your own.', detail: '' }
    : adviceFor(error);
  page.problemTitle.textContent = title;
  page.problemAdvice.textContent = advice;
  page.problemDetail.textContent = detail;
  page.retry.textContent = model ? 'Dismiss' : 'Try again';
  page.problem.hidden = false;
}

// ---- Answering ----

async function send(content: string): Promise<void> {
  if (!model || answering || !content.trim()) return;
  page.problem.hidden = true;
  addUser(content.trim());
  const controller = (answering = new AbortController());
  refresh();
  const answer = addAnswer();
  try {
    const run = model.chat(conversation(page.system.value.trim()), {
      temperature: page.temperature.valueAsNumber,
      repeatPenalty: REPEAT_PENALTY,
      maxTokens: MAX_TOKENS,
      signal: controller.signal,
    });
    for await (const piece of run) answer.append(piece);
    answer.finish(await run.result());
  } catch (error) {
    answer.stop(controller.signal.aborted ? 'stopped' : 'failed');
    if (!controller.signal.aborted) failed(error);
  } finally {
    answering = undefined;
    refresh();
    page.message.focus();
  }
}

function failed(error: unknown): void {
  const gone = error instanceof Error && 'code' in error && error.code === 'INK_ERR_CRASHED';
  if (gone) model = undefined; // "Try again" loads it anew
  showProblem(error);
}

function startOver(): void {
  answering?.abort();
  clear();
  page.message.focus();
  refresh();
}

// ---- Controls ----

/** Brings every control in line with the state. */
function refresh(): void {
  const busy = answering !== undefined;
  page.send.hidden = busy;
  page.stop.hidden = !busy;
  page.send.disabled = !model || !page.message.value.trim();
  page.newChat.disabled = page.conversation.childElementCount === 0;
  page.useDefault.disabled = chosen === byDefault && load === undefined && model !== undefined;
  for (const example of page.examples.querySelectorAll('button')) example.disabled = !model;
}

/** As high as its text, where CSS can't say so. */
function fitMessage(): void {
  page.message.style.height = 'auto';
  page.message.style.height = `${page.message.scrollHeight}px`;
}

function submit(): void {
  if (!model || answering) return;
  const content = page.message.value;
  page.message.value = '';
  page.message.style.height = '';
  void send(content);
}

function pick(): void {
  page.settings.close();
  page.file.click();
}

function connect(): void {
  page.composer.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  page.message.addEventListener('input', refresh);
  if (!CSS.supports('field-sizing', 'content')) page.message.addEventListener('input', fitMessage);
  page.message.addEventListener('keydown', (event) => {
    // While an input method composes (Korean, for one), Enter belongs to it; 229 is how Safari says so.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !page.settings.open) answering?.abort();
  });
  page.stop.addEventListener('click', () => answering?.abort());
  page.newChat.addEventListener('click', startOver);
  page.cancelLoad.addEventListener('click', () => load?.abort());
  page.retry.addEventListener('click', () => (model ? (page.problem.hidden = true) : void choose(chosen)));
  page.openSettings.addEventListener('click', () => page.settings.showModal());
  page.pick.addEventListener('click', pick);
  page.problemPick.addEventListener('click', pick);
  page.useDefault.addEventListener('click', () => {
    page.settings.close();
    void choose(byDefault);
  });
  page.file.addEventListener('change', () => {
    const files = [...(page.file.files ?? [])]; // several: the parts of one model
    page.file.value = ''; // so that the same file can be picked again
    if (files[0]) void choose({ label: fileName(files[0].name), source: files.length > 1 ? files : files[0] });
  });
  const showTemperature = () => (page.temperatureValue.value = page.temperature.valueAsNumber.toFixed(1));
  page.temperature.addEventListener('input', showTemperature);
  showTemperature();
  for (const example of EXAMPLES) {
    const button = element('button', '', example) as HTMLButtonElement;
    button.type = 'button';
    button.addEventListener('click', () => void send(example));
    page.examples.appendChild(document.createElement('li')).append(button);
  }
}

connect();
void choose(byDefault);
