// What is in use of a Chromium process's memory, by the browser's own account.

/** Speaks DevTools' protocol to the browser alone, over the pipes of --remote-debugging-pipe: no page is instrumented. */
function connect({ stdio: { 3: toBrowser, 4: fromBrowser } }) {
  const pending = new Map();
  const listeners = new Set();
  let lastId = 0;
  let rest = '';
  const receive = (text) => {
    const message = JSON.parse(text);
    if (message.id === undefined) for (const listen of listeners) listen(message);
    else pending.get(message.id)(message);
  };
  const read = (chunk) => {
    const texts = (rest + chunk).split('\0');
    rest = texts.pop();
    texts.forEach(receive);
  };
  fromBrowser.setEncoding('utf8').on('data', read);
  toBrowser.on('error', () => {}); // the browser has ended
  return {
    listeners,
    send: (method, params = {}) => new Promise((resolve, reject) => {
      pending.set(++lastId, ({ error, result }) => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result)));
      toBrowser.write(`${JSON.stringify({ id: lastId, method, params })}\0`);
    }),
    close: () => fromBrowser.off('data', read),
  };
}

/** What the process takes, by the names of Chromium's account; nothing while one of its threads does not answer. */
async function sizesOf(browser, pid) {
  const { listeners, send, close } = connect(browser);
  const sizes = {};
  const ended = new Promise((resolve) => listeners.add(({ method, params }) => {
    if (method === 'Tracing.tracingComplete') resolve();
    if (method !== 'Tracing.dataCollected') return;
    for (const { ph, pid: of, args } of params.value) {
      if (ph !== 'v' || of !== Number(pid)) continue;
      for (const [name, { attrs }] of Object.entries(args.dumps?.allocators ?? {})) sizes[name] = parseInt(attrs?.size?.value ?? '0', 16);
    }
  }));
  const memoryDumpConfig = { triggers: [] };
  const traceConfig = { includedCategories: ['disabled-by-default-memory-infra'], excludedCategories: ['*'], memoryDumpConfig };
  await send('Tracing.start', { traceConfig, transferMode: 'ReportEvents' });
  await send('Tracing.requestMemoryDump', { levelOfDetail: 'detailed' });
  await send('Tracing.end');
  await ended;
  close();
  return sizes;
}

/**
 * Bytes in use in the process with that id: objects of JavaScript, of the page and of everything else, without what its
 * allocators keep to give it out again. WebAssembly's memories are not part of it.
 */
export async function liveMemory(browser, pid) {
  let sizes = {};
  for (let i = 0; i < 3 && !sizes.malloc; i++) sizes = await sizesOf(browser, pid);
  const { 'malloc/allocated_objects': malloc, 'malloc/partitions/allocator/thread_cache': cached = 0 } = sizes;
  if (!malloc) throw new Error(`Chromium says nothing of the process's memory: ${Object.keys(sizes).filter((name) => !name.includes('/'))}`);
  const inUse = (name) => sizes[`${name}/allocated_objects`] ?? sizes[name] ?? 0;
  return malloc - cached + inUse('partition_alloc') + inUse('blink_gc/main') + inUse('v8');
}
