// @tospann/regex: regular expressions over bytes in linear time. Pure; no I/O.
export { RegexError, type RegexProblem } from './parse.ts';
export { checkRegex, compileRegex, Regex, type RegexOptions } from './regex.ts';
