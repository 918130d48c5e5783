/** Calls that have ended, and the log: the newest first, and no more than are kept. */
(() => {
  const { rea } = globalThis;
  const { byId, el, plain, setText } = rea;
  const MOST = { calls: 1000, log: 400 };
  const NONE = {
    calls: 'No call has ended since the page was first opened.',
    log: 'There is no line in the log.',
  };
  const next = { calls: 0, log: 0 };

  /** The policy lets arguments be shown. */
  let showsGiven = false;
  const showGiven = (shows) => {
    if (shows === showsGiven) return;
    showsGiven = shows;
    for (const node of byId('calls').querySelectorAll('.given')) node.hidden = !shows;
    // Nothing is left of them once it no longer does.
    if (!shows) for (const node of calls.querySelectorAll('.given')) node.textContent = '';
  };
  const callRow = ({ when, client, server, what, took, outcome, bytes, given }) => {
    const row = el('tr', '', 'server');
    for (const text of [when, client, server, what]) row.append(el('td', plain(text, 200)));
    row.append(el('td', took, 'number'), el('td', outcome, outcome === 'ok' ? 'good' : 'bad'));
    row.append(el('td', String(bytes), 'number'));
    row.append(el('td', plain(given, 300), 'given'));
    row.lastChild.hidden = !showsGiven;
    return row;
  };
  const logLine = ({ when, who, what, tone = '' }) =>
    el('li', plain(`${when} ${who === '' ? '' : `${who}: `}${what}`), tone);
  const filter = (kind, box) => {
    const wanted = byId(`${kind}-filter`).value.toLowerCase();
    let shown = 0;
    for (const node of box.children) {
      node.hidden = wanted !== '' && !node.textContent.toLowerCase().includes(wanted);
      if (!node.hidden) shown += 1;
    }
    byId(`${kind}-none`).hidden = shown > 0;
    setText(byId(`${kind}-none`), box.children.length === 0 ? NONE[kind] : 'The filter fits none.');
  };
  const add = (kind, box, news, make) => {
    if (news === undefined) return;
    // A number of before: the gateway has begun anew.
    if (news.next < next[kind]) box.replaceChildren();
    next[kind] = news.next;
    if (news.list.length > 0) {
      box.prepend(...news.list.map(make).reverse());
      while (box.children.length > MOST[kind]) box.lastChild.remove();
    }
    filter(kind, box);
  };
  const [calls, log] = [byId('calls-rows'), byId('log-lines')];
  byId('calls-filter').addEventListener('input', () => filter('calls', calls));
  byId('log-filter').addEventListener('input', () => filter('log', log));
  Object.assign(rea, {
    next,
    addCalls: (news) => {
      if (news !== undefined) showGiven(news.given);
      add('calls', calls, news, callRow);
    },
    addLog: (news) => add('log', log, news, logLine),
  });
})();
