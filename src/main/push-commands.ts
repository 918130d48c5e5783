/** The commands about pushes and reviews: arguments → one command; only the module of that command is loaded. */
import { type Command, Option } from 'commander';
import { REVIEW_VERDICTS, type ReviewVerdict } from '../shared/model/review.ts';
import { places, type RecordingOptions, recordingPlace, stateDirOption } from './command-places.ts';

/** @param end takes the exit code of the command that was given. */
export function addPushCommands(program: Command, end: (code: number) => void): void {
  program
    .command('push-gate')
    .description(
      'git runs this before a push: says which commits nobody has reviewed, and refuses them where push_gate of the policy is enforce. `rea push-gate install` writes the hook. A reminder: git push --no-verify passes it, and the wall is branch protection where branches are kept',
    )
    .argument('[remote]', 'as git names it; or install')
    .argument('[url]', 'as git names it')
    .addOption(stateDirOption())
    .action(
      async (remote: string | undefined, url: string | undefined, _options, command: Command) => {
        const { runPushGate, runPushGateInstall } = await import('./commands/push-gate.ts');
        const place = pushPlace(command.optsWithGlobals<RecordingOptions>());
        // Git always names the address as well, also of a remote that is called so.
        if (remote === 'install' && url === undefined) {
          return end(runPushGateInstall(place));
        }
        const { stdin } = process;
        const gate = { ...place, remote: remote ?? '', stdin: stdin.isTTY ? null : stdin };
        end(await runPushGate(gate));
      },
    );

  const review = program
    .command('review')
    .description('record and look up who has reviewed which commit')
    .helpCommand(false);

  review
    .command('record')
    .description('record in the audit log that a commit was reviewed')
    .addOption(
      new Option('--verdict <verdict>', 'what came of it; block keeps it from being pushed')
        .choices(REVIEW_VERDICTS)
        .makeOptionMandatory(),
    )
    .option('--by <name>', 'who has reviewed it')
    .option('--commit <commit>', 'which one', 'HEAD')
    .addOption(stateDirOption())
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        RecordingOptions & {
          verdict: ReviewVerdict;
          by?: string;
          commit: string;
        }
      >();
      const { runReviewRecord } = await import('./commands/review.ts');
      const { verdict, by, commit } = options;
      const about = { verdict, commit, ...(by === undefined ? {} : { by }) };
      end(runReviewRecord({ ...pushPlace(options), ...about }));
    });

  review
    .command('check')
    .description('exit with 1 unless the last commit of a range was reviewed')
    .argument('<range>', 'as git takes it, like origin/main..HEAD; or one commit')
    .addOption(stateDirOption())
    .action(async (range: string, _options: unknown, command: Command) => {
      const { runReviewCheck } = await import('./commands/review.ts');
      const options = command.optsWithGlobals<RecordingOptions>();
      end(runReviewCheck({ ...pushPlace(options), range }));
    });
}

/** Git is asked where the command was started; `.rea` may be elsewhere, with the main worktree. */
function pushPlace(options: RecordingOptions) {
  return { ...recordingPlace(options), cwd: places(options).cwd };
}
