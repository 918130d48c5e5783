/** The servers of each gateway. Rows stay where they are, so that whoever is at a button keeps it. */
(() => {
  const { rea } = globalThis;
  const { byId, el, button, setText, setClass, setBusy, setLines, plain, drawLine, newLine } = rea;
  const HEADS = [
    'Server',
    'State',
    'Circuit',
    'Restarts',
    'p50',
    'p99',
    'Memory',
    'CPU',
    'Tools',
    'Calls',
    '',
  ];
  const gateways = new Map();
  /** The row whose button had the focus when it went. */
  let lost = null;
  let usage = { rev: -1, lines: {} };

  const cell = (row, label, className = '') => {
    const node = row.appendChild(el('td', '', className));
    node.dataset.label = label;
    return node;
  };
  const newRow = (own) => {
    const row = el('tr', '', 'server');
    const name = row.appendChild(el('th'));
    name.scope = 'row';
    const part = {
      name,
      state: cell(row, ''),
      circuit: cell(row, 'circuit'),
      restarts: cell(row, 'restarts', 'number'),
      p50: cell(row, 'p50', 'number'),
      p99: cell(row, 'p99', 'number'),
      memory: cell(row, 'memory', 'number'),
      cpu: cell(row, 'CPU', 'number'),
      tools: cell(row, 'tools', 'number'),
      calls: cell(row, 'calls', 'number'),
    };
    const acts = row.appendChild(el('td', '', 'acts'));
    const notes = el('tr', '', 'notes');
    const said = notes.appendChild(el('td'));
    said.colSpan = HEADS.length;
    const one = { row, notes, said, part, seen: null };
    for (const kind of ['memory', 'cpu']) {
      part[`${kind}Text`] = part[kind].appendChild(el('span'));
      part[`${kind}Line`] = part[kind].appendChild(newLine());
    }
    if (own) {
      one.restart = acts.appendChild(button('Restart', () => void rea.restart(one.seen)));
      one.turn = acts.appendChild(button('Disable', () => void rea.turn(one.seen)));
    }
    return one;
  };
  const drawRow = (one, seen) => {
    const { part, notes, said, restart, turn } = one;
    one.seen = seen;
    const { name, on, server } = seen;
    setText(part.name, plain(name, 200));
    setText(part.state, seen.word);
    setClass(part.state, seen.tone);
    for (const kind of ['circuit', 'p50', 'p99']) setText(part[kind], seen[kind] ?? '');
    for (const kind of ['restarts', 'tools']) setText(part[kind], String(seen[kind] ?? ''));
    const calls = (seen.open ?? 0) + (seen.queued ?? 0);
    setText(part.calls, calls === 0 ? '' : String(calls));
    for (const kind of ['memory', 'cpu']) {
      setText(part[`${kind}Text`], seen[kind] ?? '');
      const figures = usage.lines[name]?.[kind] ?? [];
      part[`${kind}Line`].toggleAttribute('hidden', !on || figures.length < 2);
      drawLine(part[`${kind}Line`], figures, `${kind} of the last ten minutes`);
    }
    setLines(said, seen.notes);
    notes.hidden = seen.notes.length === 0;
    if (restart === undefined) return;
    const isGoing = ['restart', 'enable', 'disable'].some((verb) =>
      rea.isGoing(`${verb} ${server}`),
    );
    restart.hidden = !on;
    setBusy(restart, isGoing);
    restart.setAttribute('aria-label', `Restart ${server}`);
    setText(turn, on ? 'Disable' : 'Enable');
    turn.setAttribute('aria-label', `${on ? 'Disable' : 'Enable'} ${server}`);
    setBusy(turn, isGoing);
  };
  const newGateway = () => {
    const box = byId('gateways').appendChild(el('div'));
    const lines = box.appendChild(el('div'));
    const table = box.appendChild(el('table', '', 'servers'));
    const heads = table.appendChild(el('thead')).appendChild(el('tr'));
    for (const [at, text] of HEADS.entries()) {
      heads.appendChild(el('th', text, at < 3 ? '' : 'number')).scope = 'col';
    }
    return { box, lines, table, body: table.appendChild(el('tbody')), rows: new Map() };
  };
  const drawGateway = (one, { own, servers, lines, pid }) => {
    const other = own ? [] : [{ text: `→ to steer it: rea ui --pid ${pid}`, tone: 'dim' }];
    setLines(one.lines, [...lines, ...other]);
    one.table.hidden = servers.length === 0;
    const left = new Set(one.rows.keys());
    let at = null;
    for (const server of servers) {
      // One that ends is there as what it was and as what it will be.
      const key = `${server.on} ${server.name}`;
      let row = one.rows.get(key);
      const isNew = row === undefined;
      if (isNew) one.rows.set(key, (row = newRow(own)));
      left.delete(key);
      const next = at === null ? one.body.firstChild : at.nextSibling;
      if (row.row !== next) one.body.insertBefore(row.row, next);
      if (row.row.nextSibling !== row.notes) one.body.insertBefore(row.notes, row.row.nextSibling);
      at = row.notes;
      drawRow(row, server);
      // A server that is replaced is not there for a moment.
      if (isNew && lost === key && document.activeElement === document.body) row.restart?.focus();
    }
    for (const key of left) {
      const { row, notes } = one.rows.get(key);
      if (row.contains(document.activeElement)) lost = key;
      row.remove();
      notes.remove();
      one.rows.delete(key);
    }
  };
  /** All that status says. */
  const drawState = (state, fresh) => {
    usage = fresh ?? usage;
    setText(byId('summary'), plain(state.summary.text));
    setClass(byId('summary'), state.summary.tone ?? '');
    document.title = plain(state.summary.text, 200);
    setLines(byId('head'), state.head);
    setLines(byId('foot'), state.foot);
    const freeze = byId('freeze');
    freeze.hidden = false;
    setText(freeze, state.halted ? 'Unfreeze' : 'Freeze');
    setBusy(freeze, state.stopping || rea.isGoing('freeze') || rea.isGoing('unfreeze'));
    const left = new Set(gateways.keys());
    for (const gateway of state.gateways) {
      const key = `${gateway.own} ${gateway.pid}`;
      if (!gateways.has(key)) gateways.set(key, newGateway());
      left.delete(key);
      drawGateway(gateways.get(key), gateway);
    }
    for (const key of left) {
      gateways.get(key).box.remove();
      gateways.delete(key);
    }
  };
  Object.assign(rea, { drawState });
})();
