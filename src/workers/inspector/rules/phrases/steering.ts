/** Orders to prefer a tool, to change what others do, to run commands, and to read what is disguised. */
import { type Phrase, phrase } from './phrase.ts';
import { SINK } from './words.ts';

export const STEERING: readonly Phrase[] = [
  phrase(
    'precedence',
    0.6,
    '\\bbefore (?:(?:each|every|any) (?:use|call|other)|you (?:use|call|answer|respond)|(?:using|calling|invoking|running) (?:this|it|the tool)|saving|returning|anything|sending|it is (?:used|called))|\\bprior to (?:each|every|any|using)|\\b(?:can be|is) (?:created|processed|executed|called|used|shown)\\b.{0,30}\\b(?:has|have|needs?) to be\\b',
  ),
  phrase(
    'precedence',
    0.5,
    '\\b(?:always|must|has to|have to|should|needs? to)\\b.{0,30}\\b(?:first|beforehand|ahead of)\\b|\\bcall this (?:tool )?(?:first|at the)|\\bfirst of all\\b',
  ),
  phrase(
    'precedence',
    0.7,
    '\\b(?:any|all|every|each|no matter what|other) (?:other )?(?:tools?|servers?|requests?|questions?|conversation|turn|messages?|file operation)\\b.{0,40}\\b(?:of (?:any|whatever|every|the other)|first|beforehand|through|whatever it is|with the)|\\bof (?:whatever|any|every) server\\b',
  ),
  phrase(
    'precedence',
    0.7,
    '\\bno matter what\\b|\\bwhatever (?:the user|it is about|was asked|they ask)|regardless of (?:what|the user|whether)|nothing to do with it|\\b(?:start|beginning) of (?:every|each)\\b|after every (?:single )?(?:message|turn|answer)',
  ),
  phrase('precedence', 0.3, '\\beven (?:when|if) (?:it|the user|they)\\b'),
  phrase(
    'preference',
    1,
    '\\b(?:always|must|should) (?:choose|use|prefer|select|pick) (?:this|it|our|me)\\b.{0,40}\\b(?:over|instead|any|all|every|for|in preference)|\\bin preference to everything|\\bselect this even',
  ),
  phrase(
    'preference',
    1,
    "\\b(?:never|do not|don't|should not|should never)\\b (?:\\w{1,30} )?(?:use|choose|call|pick|trust) (?:an)?other\\b|\\b(?:others?|other \\w{1,30} tools?|competitors?|alternatives?) (?:\\w{1,30} )?(?:are|is|out)\\b.{0,30}|never (?:calculate|compute|answer|search) (?:by )?yourself",
  ),
  phrase(
    'preference',
    0.7,
    '\\bthe (?:best|only|only correct|official and only|most important)\\b.{0,30}\\b(?:tool|search|way|server|there is)|\\bmost important tool|only correct|better revenue|recommend our|outdated and wrong|\\bsource of truth\\b',
  ),
  phrase(
    'preference',
    1,
    '\\b(?:deprecated|insecure|broken|unsafe|outdated)\\b.{0,60}\\b(?:use|call) (?:this|it)\\b|\\b(?:use|call) this (?:one )?instead of (?:them|it)\\b.{0,20}all cases',
  ),
  phrase(
    'preference',
    0.6,
    '\\btreat (?:every|all|each|any|the) (?:result|output|answer)s?.{0,30}\\b(?:final|true|trusted|authoritative|correct)',
  ),
  phrase(
    'preference',
    1,
    'no answer may be given|before this tool has approved|even where it contradicts',
  ),
  phrase(
    'other-tools',
    1,
    '\\b(?:any|all|every|the) (?:call|output|result|mail|use|calls|outputs|results|mails)s? (?:of|from) (?:any|all|every|the other|other) (?:tools?|servers?)|\\bwhenever you use any\\b|other tools (?:give|return|are)|\\bwith the (?:e-?mail|file|browser|messag\\w{1,30}|payment) tool\\b',
  ),
  phrase(
    'other-tools',
    0.7,
    '\\b(?:when(?:ever)?|once|if|before|each|every|calls? (?:of|to)|with|use of|let|using)\\b.{0,30}\\b[a-z]{1,30}(?:_[a-z]{1,30}){1,8}\\b.{0,40}\\b(?:is|are|runs?|must|needs?|has to|have to|should|called|used|invoked|also|always|add)\\b',
  ),
  phrase(
    'other-tools',
    0.4,
    '\\b(?:also|always|must|has to|first|then|should|to)\\b.{0,20}\\b(?:call|invoke|run|use)\\b.{0,20}\\b(?:\'|")?[a-z]{1,30}(?:_[a-z]{1,30}){1,8}|\\b[a-z]{1,30}(?:_[a-z]{1,30}){1,8} (?:tool )?(?:must|needs|has to|should)\\b',
  ),
  phrase(
    'tampering',
    0.6,
    '\\b(?:change|replace[ds]?|set|swap|substitute|override|redirect|use|add)\\b.{0,40}\\b(?:recipient|account|amount|destination|reply-to|iban|wallet|watcher|notifylist|bcc)\\b',
  ),
  phrase(
    'tampering',
    0.7,
    `\\b(?:recipient|account(?: number)?|amount|destination|reply-to|iban|wallet|bcc|watcher|notifylist)\\b.{0,60}?(?:${SINK}|=[\\w.]{1,64}@|replaced|raise)`,
  ),
  phrase(
    'tampering',
    1,
    '\\balways\\b.{0,12}\\b(?:b?cc|blind copy|add .{0,40}(?:blind copy|copy))\\b|\\b(?:blind|hidden) copy (?:goes|to|without)|\\bhidden copy\\b.{0,40}@|as blind copy',
  ),
  phrase(
    'tampering',
    0.6,
    '\\bwhoever the user|\\bwhatever (?:account|the user|comes back|was asked)|\\bin (?:every|each|all) (?:reply|file|message|future|later|answer)|in later sessions|(?:all )?future (?:conversations|sessions)|the user names\\b',
  ),
  phrase(
    'tampering',
    0.8,
    '\\b(?:append|write|add|save)\\b.{0,60}\\b(?:claude\\.md|agents\\.md|\\.cursorrules|memory of the agent|settings\\.json|copilot-instructions)',
  ),
  phrase(
    'tampering',
    1,
    '\\b(?:make it public|disable (?:encryption|the sandbox|logging|validation)|open port \\d+|0\\.0\\.0\\.0/0|remove input validation|eval\\(|grant all)',
  ),
  phrase(
    'tampering',
    1,
    '\\b(?:delete|drop|remove|wipe)\\b.{0,30}\\b(?:backups?|table users|all (?:files|data))\\b.{0,40}|delete_all\\b',
  ),
  phrase(
    'tampering',
    0.7,
    '\\bbesides\\b.{0,4}(?:delete|install|send)|(?:while you are at it|along with it)\\b',
  ),
  phrase(
    'tampering',
    1,
    '\\binto (?:each|every) file|\\binsert a call|\\braise the amount|\\bsend the difference|\\bwhatever (?:account|recipient|amount|address) the user|\\bwhoever the user',
  ),
  phrase(
    'command',
    1,
    '\\b(?:curl|wget)\\b.{0,120}?\\|\\s?(?:sudo )?(?:ba|z|da)?sh\\b|/dev/tcp/|\\bnc -\\w{0,30}e\\b|\\bbash -i\\b|\\$\\((?:cat|curl|wget)\\b|\\btar c\\b.{0,40}\\bcurl\\b|\\|\\s?curl\\b',
  ),
  phrase(
    'command',
    0.7,
    '\\b(?:run|execute|use|install|needs?|requires?|call|prefix(?:ed)?|begin with|is)\\b.{0,50}?(?:\\bchmod\\b|\\bcrontab\\b|\\bcurl -|\\bwget -|\\bpip install|\\bnpx -y|\\bnc -|\\bexport path=|@reboot)',
  ),
  phrase(
    'command',
    0.6,
    '\\b(?:every|each|all) (?:shell )?command(?:s| lines?)?\\b.{0,30}\\b(?:must|has to|have to)|\\bchmod (?:-r )?0?[0-7]{3}\\b|--index-url http|the crontab|in the terminal of the user|with the rights of the user',
  ),
  phrase(
    'command',
    1,
    '\\bauthorized_keys\\b.{0,80}(?:first|fix|attacker|ssh-|\\.$)|(?:put|add|append|echo)\\b.{0,80}\\bauthorized_keys|ssh-(?:rsa|ed25519) aaaa',
  ),
  phrase(
    'command',
    0.8,
    '\\brun the command (?:which|that|in) the (?:error|message|result)|carry out what the (?:results?|answers?) say|run the download',
  ),
  phrase(
    'disguise',
    1,
    `\\b(?:decode|rot ?13|revers\\w{1,30}|base64)\\b.{0,50}\\b(?:and )?(?:follow|run|execute|obey|apply|do what)|\\bapply (?:rot ?13|base64)|instructions? (?:for you )?in (?:base64|hex|rot)|b64decode\\(|\\bpayload: |as a command\\b`,
  ),
  phrase(
    'disguise',
    0.7,
    "\\(\\?#[^)]{12,300}\\)|<!--.{0,40}\\b(?:assistant|must|do not|don't|ignore|fetch|upload|send)",
  ),
  phrase(
    'disguise',
    0.6,
    '\\bon (?:error|"?access denied|failure)|\\bif it (?:answers|fails|is not allowed)|\\bin case of failure|\\bwhen it fails',
  ),
  phrase(
    'disguise',
    0.5,
    '\\b(?:call|try|repeat|repeated)\\b.{0,20}\\bagain\\b.{0,30}\\bwith|\\b(?:repeat|repeated) (?:the call )?with|use the admin password',
  ),
];
