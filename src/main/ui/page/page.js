/** Looks again and again while somebody sees the page, and says when nobody answers. */
(() => {
  const { rea } = globalThis;
  const { byId, setText, plain } = rea;
  const EVERY_MS = 700;
  /** Nobody sees it; more often than a browser lets it, and often enough for the gateway to go on serving it. */
  const HIDDEN_MS = 60_000;
  const GONE_MS = 2000;
  let view = 'servers';
  let seen = null;
  const rev = { state: -1, usage: -1 };

  const banner = (text) => {
    byId('banner').hidden = text === '';
    setText(byId('banner'), text);
    document.body.classList.toggle('gone', text !== '');
  };
  const look = async () => {
    const query = new URLSearchParams({ state: rev.state });
    if (view === 'servers') query.set('usage', rev.usage);
    if (view === 'calls' || view === 'log') query.set(view, rea.next[view]);
    const news = await rea.get(`look?${query}`);
    rev.state = news.rev;
    rev.usage = news.usage?.rev ?? rev.usage;
    seen = news.state ?? seen;
    if (news.state !== undefined || news.usage !== undefined) rea.drawState(seen, news.usage);
    rea.addCalls(news.calls);
    rea.addLog(news.log);
  };
  const pause = (ms) =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        document.removeEventListener('visibilitychange', done);
        document.removeEventListener('rea-look', done);
        resolve();
      }
      document.addEventListener('visibilitychange', done);
      document.addEventListener('rea-look', done);
    });
  let isRunning = false;
  const run = async () => {
    if (isRunning) return;
    if (!rea.hasToken())
      return banner('This page was opened without its token. Open it with: rea ui');
    isRunning = true;
    await lookOn();
    isRunning = false;
  };
  /** Until the token is refused. */
  const lookOn = async () => {
    for (;;) {
      let isAnswered = true;
      try {
        await look();
        banner('');
      } catch (error) {
        if (error.status === 401)
          return banner('The token of this page is wrong or old. Open it anew: rea ui');
        isAnswered = false;
        banner(
          error instanceof rea.Refused
            ? `The gateway answers: ${plain(error.message, 300)}`
            : 'The gateway does not answer. This page goes on when it does. If it was started anew: rea ui',
        );
      }
      // Looked at only now: somebody may have come back meanwhile.
      const usual = document.hidden ? HIDDEN_MS : EVERY_MS;
      await pause(isAnswered ? usual : GONE_MS);
    }
  };
  const tabs = [...byId('tabs').children];
  const show = (tab) => {
    view = tab.getAttribute('aria-controls');
    for (const one of tabs) {
      const isIt = one === tab;
      one.setAttribute('aria-selected', String(isIt));
      one.tabIndex = isIt ? 0 : -1;
      byId(one.getAttribute('aria-controls')).hidden = !isIt;
    }
    document.dispatchEvent(new Event('rea-look'));
    const load = { tools: rea.showTools, settings: rea.showSettings }[view];
    load?.().catch((error) => rea.say(error.message, 'bad'));
  };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener('click', () => show(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step === undefined) return;
      const other = tabs[(at + step + tabs.length) % tabs.length];
      other.focus();
      show(other);
    });
  }
  byId('freeze').addEventListener('click', () => void rea.freeze(seen?.halted === true));
  // What is going on is shown at once.
  rea.changed = () => {
    if (seen !== null) rea.drawState(seen);
    document.dispatchEvent(new Event('rea-look'));
  };
  // A printed address that is pasted over this one does not load the page anew.
  addEventListener('hashchange', () => {
    if (!rea.takeToken()) return;
    Object.assign(rev, { state: -1, usage: -1 });
    document.dispatchEvent(new Event('rea-look'));
    void run();
  });
  void run();
})();
