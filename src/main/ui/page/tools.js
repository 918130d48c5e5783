/** The tools, what the rules say about one, and a form to try it. */
(() => {
  const { rea } = globalThis;
  const { byId, el, button, plain, setBusy, setClass } = rea;
  const MOST_FIELDS = 50;
  let chosen = 0;
  /** Ends the try of the form that is shown. */
  let stop = new AbortController();

  const typesOf = (schema) => [schema?.type ?? []].flat();
  /** A field for one argument. @returns its element, and how its value is read. */
  const fieldOf = (name, schema, needed) => {
    const label = el('label', `${plain(name, 100)}${needed ? ' (needed)' : ''}`);
    const types = typesOf(schema);
    const isChoice = Array.isArray(schema?.enum);
    const isText = types.includes('string');
    const kind = isChoice ? 'select' : types[0] === 'boolean' || isText ? 'input' : 'textarea';
    const input = label.appendChild(
      el(types.includes('number') || types.includes('integer') ? 'input' : kind),
    );
    if (isChoice) {
      input.append(
        el('option'),
        ...schema.enum.slice(0, 200).map((one) => el('option', plain(one, 200))),
      );
    } else if (types[0] === 'boolean') input.type = 'checkbox';
    else if (kind === 'textarea' && input.tagName === 'TEXTAREA') input.placeholder = 'JSON';
    const read = () => {
      if (input.type === 'checkbox') return input.checked || needed ? input.checked : undefined;
      if (input.value === '') return needed && isText ? '' : undefined;
      if (isChoice) return schema.enum[input.selectedIndex - 1];
      return isText ? input.value : JSON.parse(input.value);
    };
    if (schema?.description) label.append(el('span', plain(schema.description, 500), 'dim'));
    return { name, label, read };
  };
  /** All arguments, of a tool that does not say which it takes. */
  const freeField = () => {
    const label = el('label', 'Arguments as JSON');
    const input = label.appendChild(el('textarea'));
    input.placeholder = '{}';
    const read = () => {
      try {
        return { ...JSON.parse(input.value === '' ? '{}' : input.value) };
      } catch {
        throw new Error('write the arguments as JSON');
      }
    };
    return { label, read };
  };
  const readAll = (fields) => {
    const args = {};
    for (const { name, read } of fields) {
      let value;
      try {
        value = read();
      } catch {
        throw new Error(`${plain(name, 100)}: write JSON`);
      }
      if (value !== undefined) Object.defineProperty(args, name, { value, enumerable: true });
    }
    return args;
  };
  const formOf = (tool) => {
    const schema = tool.inputSchema ?? {};
    const needed = new Set(Array.isArray(schema.required) ? schema.required : []);
    const names = Object.keys(schema.properties ?? {}).slice(0, MOST_FIELDS);
    const fields = names.map((name) => fieldOf(name, schema.properties[name], needed.has(name)));
    const free = names.length === 0 && schema.additionalProperties !== false ? freeField() : null;
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
    if (free !== null) form.append(free.label);
    form.append(...fields.map(({ label }) => label), send, cancel, result);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (send.getAttribute('aria-disabled') === 'true') return;
      setBusy(send, true);
      const { signal } = (stop = new AbortController());
      try {
        const args = free?.read() ?? readAll(fields);
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
  const choose = async (tool) => {
    const mine = ++chosen;
    // Nobody would see its end.
    stop.abort();
    const rules = el('div');
    const schema = el('details');
    schema.append(
      el('summary', 'Schema'),
      el('pre', plain(JSON.stringify(tool.inputSchema, null, 2), 20_000)),
    );
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
