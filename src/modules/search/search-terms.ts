import { invalid } from '../../errors.js'

/** How many words one search may have, those within phrases and compounds counted. */
const MOST_WORDS = 16

/** What words are made of: letters with their marks, and digits. */
const LETTER = String.raw`\p{L}\p{N}\p{M}`
const WORDS = new RegExp(`[${LETTER}]+`, 'gu')
const TERMS = /["“”]([^"“”]*)["“”]|[^\s"“”]+/g
const KEY = /^([A-Z][A-Z0-9]{1,9})-([1-9]\d{0,8})$/i

/** A word, a compound such as `v1.2`, or a phrase. */
interface Term {
  text: string
  words: readonly string[]
  /** Whether it also stands for the words that it begins. */
  isBeginning: boolean
}

/** What somebody searches for. */
export interface SearchTerms {
  /** For `to_tsquery`: all terms, as beginnings of words, and as they are. */
  begun: string
  whole: string
  /** Finds them in a text. */
  pattern: RegExp
  /** The task whose key is all that he searches for. */
  key: { project: string; number: number } | undefined
}

/** @throws VALIDATION_ERROR for too many words */
export function searchTerms(q: string): SearchTerms {
  const terms = [...q.matchAll(TERMS)].map(termOf).filter(({ words }) => words.length > 0)
  const count = terms.reduce((sum, { words }) => sum + words.length, 0)
  if (count > MOST_WORDS) throw invalid('query.q', `takes up to ${MOST_WORDS} words`)
  const [, project, number] = KEY.exec(q.trim()) ?? []
  return {
    begun: everyOne(terms.map(term => operand(term, term.isBeginning ? ':*' : ''))),
    whole: everyOne(terms.map(term => operand(term, ''))),
    pattern: patternOf(terms),
    key: project === undefined ? undefined : { project: project.toUpperCase(), number: Number(number) },
  }
}

function termOf([text, phrase]: RegExpExecArray): Term {
  const words = (phrase ?? text).match(WORDS) ?? []
  // A single letter begins a good part of all words: to gather their places is dear, and tells nothing.
  const isLetter = /^[a-z\d]$/i.test(words.join(' '))
  return { text: phrase ?? text, words, isBeginning: phrase === undefined && !isLetter }
}

const everyOne = (operands: readonly string[]) => [...new Set(operands)].join(' & ')

/**
 * As the database takes it apart, just as it took apart the texts, or word by word: of a file's name it
 * keeps the words alone. Quoted, no text of a user is an operator.
 */
function operand({ text, words }: Term, suffix: string): string {
  if (words.length === 1 && words[0] === text) return `${quoted(text)}${suffix}`
  return `(${quoted(text)}${suffix} | ${words.map(quoted).join(' <-> ')}${suffix})`
}

const quoted = (text: string) => `'${text.replace(/['\\]/g, '$&$&')}'`

/** Of two terms that begin alike the longer one first, so that as much as fits is shown. */
function patternOf(terms: readonly Term[]): RegExp {
  const alternatives = terms
    .toSorted((one, other) => other.text.length - one.text.length)
    .map(({ words, isBeginning }) => words.join(`[^${LETTER}]+`) + (isBeginning ? '' : `(?![${LETTER}])`))
  return new RegExp(`(?<![${LETTER}])(?:${alternatives.join('|')})`, 'giu')
}
