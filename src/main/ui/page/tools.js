/** The tools, what the rules say about one, and a form to try it. */
(() => {
  const { rea } = globalThis;
  const { byId, el, button, plain, setBusy, setClass } = rea;
  const MOST_SCHEMA = 20_000;
  let chosen = 0;
  /** Ends the try of the form that is shown. */
  let stop = new AbortController();

  const formOf = (tool) => {
    const { nodes, read } = rea.fieldsOf(tool.inputSchema);
    const form = el('form');
    const send = el('button', 'Try it');
    const cancel = button('Cancel', () => stop.abort());
    cancel.hidden = true;
    const result = el('pre');
    result.hidden = true;
    const show = (text, tone) => {
      result.hidden = false;
      result.textContent = plain(text, 100_000);
      setClass(result, tone);
    };
    form.append(...nodes, send, cancel, result);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (send.getAttribute('aria-disabled') === 'true') return;
      setBusy(send, true);
      const { signal } = (stop = new AbortController());
      try {
        const args = read();
        show('…', 'dim');
        cancel.hidden = false;
        const body = { tool: tool.name, arguments: args };
        const { ok, text } = await rea.post('call', body, (going) => show(going, 'dim'), signal);
        show(text, ok ? '' : 'bad');
      } catch (error) {
        show(signal.aborted ? 'cancelled' : error.message, 'bad');
      } finally {
        if (cancel === document.activeElement) send.focus();
        cancel.hidden = true;
        setBusy(send, false);
      }
    });
    return form;
  };
  /** A long one is not indented: many levels would need more memory than a tab has. */
  const schemaText = (schema) => {
    const json = JSON.stringify(schema) ?? '';
    const isShort = json.length <= MOST_SCHEMA;
    return plain(isShort ? JSON.stringify(schema, null, 2) : json, MOST_SCHEMA);
  };
  const choose = async (tool) => {
    const mine = ++chosen;
    // Nobody would see its end.
    stop.abort();
    const rules = el('div');
    const schema = el('details');
    schema.append(el('summary', 'Schema'), el('pre', schemaText(tool.inputSchema)));
    byId('tool').replaceChildren(
      el('h2', plain(tool.name, 200)),
      el('p', plain(tool.description ?? '', 2000)),
      rules,
      schema,
      formOf(tool),
    );
    const answer = await rea
      .get(`rules?tool=${encodeURIComponent(tool.name)}`)
      .catch(({ message }) => ({ lines: [message] }));
    if (mine === chosen)
      rules.append(...answer.lines.map((line) => el('p', plain(line, 1000), 'dim')));
  };
  const filter = () => {
    const wanted = byId('tools-filter').value.toLowerCase();
    for (const node of byId('tools-list').children) {
      node.hidden = !node.textContent.toLowerCase().includes(wanted);
    }
  };
  const showTools = async () => {
    const { tools } = await rea.get('tools');
    byId('tools-list').replaceChildren(
      ...tools.map((tool) => {
        const item = el('li');
        item.append(button(plain(tool.name, 200), () => void choose(tool)));
        return item;
      }),
    );
    filter();
  };
  byId('tools-filter').addEventListener('input', filter);
  const showSettings = async () => {
    const { lines } = await rea.get('settings');
    byId('settings-lines').replaceChildren(
      ...lines.map((line) => el('li', plain(line, 1000), 'said')),
    );
  };
  Object.assign(rea, { showTools, showSettings });
})();
