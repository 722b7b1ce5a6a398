// Numbers for the field names that the proxy has to know, and the recogniser: by length, then four letters at a
// time. All other fields have number 0 and are passed on as they are.
import { lowerWordAt, word } from './words.ts';

/** Fields that mean something to the proxy. */
export const FieldId = {
  OTHER: 0,
  HOST: 1,
  CONNECTION: 2,
  CONTENT_LENGTH: 3,
  TRANSFER_ENCODING: 4,
  EXPECT: 5,
  UPGRADE: 6,
  TE: 7,
  KEEP_ALIVE: 8,
  PROXY_CONNECTION: 9,
  COOKIE: 10,
  X_FORWARDED_FOR: 11,
  TRAILER: 12,
  HTTP2_SETTINGS: 13,
  USER_AGENT: 14,
  REFERER: 15,
  SET_COOKIE: 16,
  CACHE_CONTROL: 17,
  PRAGMA: 18,
} as const;

/** First four letters of the names, and what else tells them apart. */
const HOST = word('host');
const COOK = word('cook');
const OKIE = word('okie');
const EXPE = word('expe');
const PECT = word('pect');
const PRAG = word('prag');
const AGMA = word('agma');
const UPGR = word('upgr');
const RADE = word('rade');
const TRAI = word('trai');
const ILER = word('iler');
const REFE = word('refe');
const ERER = word('erer');
const CONN = word('conn');
const ECTI = word('ecti');
const TION = word('tion');
const USER = word('user');
const DASH_AGE = word('-age');
const GENT = word('gent');
const KEEP = word('keep');
const DASH_ALI = word('-ali');
const LIVE = word('live');
const SET_ = word('set-');
const CACH = word('cach');
const E_CO = word('e-co');
const NTRO = word('ntro');
const TROL = word('trol');
const CONT = word('cont');
const ENT_ = word('ent-');
const LENG = word('leng');
const NGTH = word('ngth');
const HTTP = word('http');
const TWO_SE = word('2-se');
const TTIN = word('ttin');
const INGS = word('ings');
const X_FO = word('x-fo');
const RWAR = word('rwar');
const DED_ = word('ded-');
const DASH_FOR = word('-for');
const PROX = word('prox');
const Y_CO = word('y-co');
const NNEC = word('nnec');
const TRAN = word('tran');
const SFER = word('sfer');
const DASH_ENC = word('-enc');
const ODIN = word('odin');
const DING = word('ding');

/**
 * Recognises a field name, in any case.
 *
 * @param words The memory, see `wordsOf`.
 * @param at Offset of a name that is a token.
 * @param length Its bytes.
 * @returns A `FieldId`; OTHER if the name is none of them.
 */
// oxlint-disable-next-line complexity -- long: the table of names as a switch
export function identifyField(words: Int32Array, at: number, length: number): number {
  switch (length) {
    case 2:
      return (lowerWordAt(words, at) & 0xffff) === 0x6574 ? FieldId.TE : 0;
    case 4:
      return lowerWordAt(words, at) === HOST ? FieldId.HOST : 0;
    case 6:
      return identifySix(words, at);
    case 7:
      return identifySeven(words, at);
    case 10:
      return identifyTen(words, at);
    case 13:
      return hasPair(words, at, CACH, E_CO) &&
        lowerWordAt(words, at + 8) === NTRO &&
        lowerWordAt(words, at + 9) === TROL
        ? FieldId.CACHE_CONTROL
        : 0;
    case 14:
      return identifyFourteen(words, at);
    case 15:
      return hasPair(words, at, X_FO, RWAR) &&
        lowerWordAt(words, at + 8) === DED_ &&
        lowerWordAt(words, at + 11) === DASH_FOR
        ? FieldId.X_FORWARDED_FOR
        : 0;
    case 16:
      return hasPair(words, at, PROX, Y_CO) &&
        lowerWordAt(words, at + 8) === NNEC &&
        lowerWordAt(words, at + 12) === TION
        ? FieldId.PROXY_CONNECTION
        : 0;
    case 17:
      return identifySeventeen(words, at);
    default:
      return 0;
  }
}

// oxlint-disable-next-line max-params -- hot path: two words to compare with
function hasPair(words: Int32Array, at: number, first: number, second: number): boolean {
  return lowerWordAt(words, at) === first && lowerWordAt(words, at + 4) === second;
}

function identifySix(words: Int32Array, at: number): number {
  const first = lowerWordAt(words, at);
  if (first === COOK) return lowerWordAt(words, at + 2) === OKIE ? FieldId.COOKIE : 0;
  if (first === EXPE) return lowerWordAt(words, at + 2) === PECT ? FieldId.EXPECT : 0;
  return first === PRAG && lowerWordAt(words, at + 2) === AGMA ? FieldId.PRAGMA : 0;
}

function identifySeven(words: Int32Array, at: number): number {
  const first = lowerWordAt(words, at);
  if (first === REFE) return lowerWordAt(words, at + 3) === ERER ? FieldId.REFERER : 0;
  if (first === UPGR) return lowerWordAt(words, at + 3) === RADE ? FieldId.UPGRADE : 0;
  return first === TRAI && lowerWordAt(words, at + 3) === ILER ? FieldId.TRAILER : 0;
}

function identifyTen(words: Int32Array, at: number): number {
  const first = lowerWordAt(words, at);
  const middle = lowerWordAt(words, at + 4);
  const last = lowerWordAt(words, at + 6);
  if (first === CONN) return middle === ECTI && last === TION ? FieldId.CONNECTION : 0;
  if (first === USER) return middle === DASH_AGE && last === GENT ? FieldId.USER_AGENT : 0;
  if (first === SET_) return middle === COOK && last === OKIE ? FieldId.SET_COOKIE : 0;
  return first === KEEP && middle === DASH_ALI && last === LIVE ? FieldId.KEEP_ALIVE : 0;
}

function identifyFourteen(words: Int32Array, at: number): number {
  const first = lowerWordAt(words, at);
  const second = lowerWordAt(words, at + 4);
  const third = lowerWordAt(words, at + 8);
  const last = lowerWordAt(words, at + 10);
  if (first === CONT) return second === ENT_ && third === LENG && last === NGTH ? FieldId.CONTENT_LENGTH : 0;
  return first === HTTP && second === TWO_SE && third === TTIN && last === INGS ? FieldId.HTTP2_SETTINGS : 0;
}

function identifySeventeen(words: Int32Array, at: number): number {
  if (lowerWordAt(words, at) !== TRAN || lowerWordAt(words, at + 4) !== SFER) return 0;
  if (lowerWordAt(words, at + 8) !== DASH_ENC || lowerWordAt(words, at + 12) !== ODIN) return 0;
  return lowerWordAt(words, at + 13) === DING ? FieldId.TRANSFER_ENCODING : 0;
}
