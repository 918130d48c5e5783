/** Preloaded: SIGUSR2 is a mistake of the program. */
process.on('SIGUSR2', () => {
  throw new Error('a planted mistake');
});
