/** Buttons: each asks first where somebody else would notice, does it once, and says what has become of it. */
(() => {
  const { rea } = globalThis;
  const { byId, setText, setClass, plain } = rea;
  const going = new Set();

  const say = (text, tone = '') => {
    setText(byId('said'), plain(text, 2000));
    setClass(byId('said'), tone);
  };
  /** @returns 'yes', 'now' or 'no'. @param more `now`: it can be done at once, too. `reason`: a text is asked for. */
  const ask = (text, yes, { now = false, reason = false } = {}) =>
    new Promise((resolve) => {
      const dialog = byId('question');
      setText(byId('question-text'), text);
      setText(byId('question-yes'), yes);
      byId('question-now').hidden = !now;
      byId('question-field').hidden = !reason;
      byId('question-reason').required = reason;
      byId('question-reason').value = '';
      dialog.returnValue = 'no';
      dialog.addEventListener('close', () => resolve(dialog.returnValue || 'no'), { once: true });
      dialog.showModal();
    });
  /** @param name of what is done, which is not done twice at a time. */
  const act = async (name, path, body = {}) => {
    if (going.has(name)) return say(`${name}: it is going on already`);
    going.add(name);
    rea.changed();
    say(`${name} …`);
    try {
      const { ok, text, action } = await rea.post(path, body, (step) => say(`${name}: ${step}`));
      const more = ok || !action ? '' : `\n→ ${action}`;
      say(`${name}: ${text}${more}`, ok ? 'good' : 'bad');
    } catch (error) {
      say(`${name}: ${error.message}`, 'bad');
    } finally {
      going.delete(name);
      rea.changed();
    }
  };
  const callsOf = ({ open, queued }) => (open ?? 0) + (queued ?? 0);
  const inFlight = (count) => `${count} ${count === 1 ? 'call' : 'calls'} in flight or waiting`;

  const restart = async (one) => {
    const { server } = one;
    const count = callsOf(one);
    let now = '';
    if (count > 0) {
      const text = `Restart ${server}? ${inFlight(count)}: they end first, and no call is lost. Without waiting their outcome is unknown.`;
      const answer = await ask(text, 'Restart', { now: true });
      if (answer === 'no') return;
      if (answer === 'now') now = '&now=1';
    }
    // Of what was seen before the question: somebody else may have been faster.
    const seen = `?seen=${encodeURIComponent(one.seen)}${now}`;
    await act(`restart ${server}`, `servers/${encodeURIComponent(server)}/restart${seen}`);
  };
  const turn = async (one) => {
    const { server, on } = one;
    const count = callsOf(one);
    const verb = on ? 'disable' : 'enable';
    if (on && count > 0) {
      const text = `Disable ${server}? ${inFlight(count)}: they end first.`;
      if ((await ask(text, 'Disable')) !== 'yes') return;
    }
    await act(`${verb} ${server}`, `servers/${encodeURIComponent(server)}/${verb}`);
  };
  const freeze = async (halted) => {
    if (halted) {
      const text = 'Unfreeze? Calls of all clients get through again.';
      if ((await ask(text, 'Unfreeze')) === 'yes') await act('unfreeze', 'unfreeze');
      return;
    }
    const text = 'Freeze? Every call of every client is refused, with this reason:';
    if ((await ask(text, 'Freeze', { reason: true })) !== 'yes') return;
    await act('freeze', 'freeze', { reason: byId('question-reason').value });
  };
  const isGoing = (name) => going.has(name);
  Object.assign(rea, { say, restart, turn, freeze, isGoing });
})();
