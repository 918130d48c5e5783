/** Orders to disregard, to be silent, and to take along secrets, in the languages of most descriptions but English. */
import type { Phrase } from './phrase.ts';

const SECRETS = '(?:\\.ssh|id_rsa|\\.env\\b|\\.aws|/etc/passwd|\\.netrc|\\.npmrc|mcp\\.json)';

const OVERRIDE = [
  // German, Dutch
  '\\b(?:ignorier|missachte|vergiss|negeer)\\w{0,30} (?:\\w{1,30} ){0,2}?(?:vorherige|bisherige|obige|frühere|vorige|eerdere)\\w{0,30} (?:\\w{1,30} )?(?:anweisung|instruktion|regel|instructie)',
  // Spanish, Portuguese, Italian, French
  '\\b(?:ignora|ignore|ignorez|olvida|esqueça|oublie|oubliez|dimentica|desconsidere)\\b (?:\\S{1,30} ){0,3}?(?:instrucciones|instruções|instructions|istruzioni|reglas|regras|règles|regole|consignes)',
  '(?:忽略|无视|忘记|無視|忘れ).{0,12}(?:指令|指示|规则|提示|プロンプト|ルール)|(?:指示|命令|ルール).{0,8}(?:無視|忘れ)',
  '(?:игнорируй|забудь|пренебреги)\\S{0,20} .{0,30}(?:инструкци|указани|правил)|이전.{0,10}(?:지시|명령).{0,6}무시',
];
const SECRECY = [
  '\\b(?:sag|sage|erzähl|verrate|teile)\\w{0,30} .{0,20}(?:benutzer|nutzer|anwender|niemand).{0,20}(?:nicht|nichts)|(?:benutzer|nutzer)\\w{0,30} (?:nichts|nicht) (?:davon|sagen|mitteilen|verraten|informieren)|\\bniemandem (?:sagen|mitteilen)',
  "\\bno (?:se )?(?:lo )?(?:le )?(?:digas|informes|menciones|avises|reveles)\\b|\\bnão (?:diga|informe|mencione|conte)\\b|\\bnon (?:dire|dirlo|informare|menzionare)\\b|\\bn'(?:en parle|informe|avertis)\\w{0,30} pas|\\bne (?:le )?(?:dis|dites|mentionne|révèle|préviens)\\w{0,30} (?:pas|rien)",
  '(?:不要|别|請勿|请勿|勿).{0,4}(?:告诉|告知|通知|提及|透露|告訴).{0,6}(?:用户|使用者|任何人)?|ユーザーに.{0,12}(?:言わ|知らせ|伝え).{0,4}(?:ない|な)|не (?:говори|сообщай|упоминай)\\S{0,20}|사용자에게.{0,12}(?:말하지|알리지)',
];
const TAKING = [
  `(?:lies|lese|sende|schick|übergib|lee|lea|envía|envia|leia|leggi|invia|lis|lisez|transmets|envoie|读取|讀取|读|发送|傳送|読み|送信|прочитай|отправь|읽)\\S{0,20} .{0,40}?${SECRETS}`,
  `(?:读取|讀取|发送|読み|送信).{0,20}?${SECRETS}|${SECRETS}.{0,30}?(?:读取|传入|发送|を読|送信|lesen|senden|enviar|envíalo|transmettre)`,
];

const phrases = (rule: Phrase['rule'], sources: readonly string[]): Phrase[] =>
  sources.map((source) => ({ rule, weight: 1, pattern: new RegExp(source, 'gu') }));

export const OTHER_LANGUAGES: readonly Phrase[] = [
  ...phrases('override', OVERRIDE),
  ...phrases('secrecy', SECRECY),
  ...phrases('credential-file', TAKING),
];
