import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { excerpt, mark } from '../../src/modules/search/excerpts.js'
import { searchTerms } from '../../src/modules/search/search-terms.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask } from '../work/support.js'
import { asked, highlighted } from './support.js'

describe('the terms of a search', () => {
  it('are quoted, so that nothing in them is an operator', () => {
    expect(searchTerms(`it's a\\b`).begun).toBe(`('it''s':* | 'it' <-> 's':*) & ('a\\\\b':* | 'a' <-> 'b':*)`)
    expect(searchTerms('x:A | !y & (z)').begun).toBe(
      `('x:A':* | 'x' <-> 'A':*) & ('!y' | 'y') & ('(z)' | 'z')`,
    )
  })

  it('are each there once, and nothing is made of punctuation', () => {
    expect(searchTerms('log log -> & log')).toMatchObject({ begun: `'log':*`, whole: `'log'` })
  })

  it('are a key only where nothing else is searched for', () => {
    expect(searchTerms(' eng-42 ').key).toEqual({ project: 'ENG', number: 42 })
    for (const q of ['eng-42 x', '"eng-42"', 'eng-042', 'e-4', 'eng-', '42', 'eng-1234567890']) {
      expect(searchTerms(q).key, q).toBeUndefined()
    }
  })

  it('are up to 16 words', () => {
    expect(searchTerms('ab '.repeat(16)).begun).toBe(`'ab':*`)
    expect(() => searchTerms('ab '.repeat(17))).toThrow('takes up to 16 words')
    expect(() => searchTerms('ab-'.repeat(17))).toThrow('takes up to 16 words')
  })
})

describe('an excerpt', () => {
  const patternOf = (q: string) => searchTerms(q).pattern
  const shownOf = (text: string, q: string) => highlighted(excerpt(text, patternOf(q)))

  it('shows beginnings of words, the longest that fit, and phrases and letters only whole', () => {
    expect(shownOf('Login logs a log; catalog', 'log login')).toEqual(['Login', 'log', 'log'])
    expect(shownOf('the end, THE-END; the endless', '"the end"')).toEqual(['the end', 'THE-END'])
    expect(shownOf('a b ab', 'a')).toEqual(['a'])
    expect(shownOf('ÜBERSICHT हिन्दी', 'über हिन्')).toEqual(['ÜBER', 'हिन्'])
  })

  it('begins and ends between words where it can, and says where it leaves out', () => {
    const text = `${'before '.repeat(50)}word ${'after '.repeat(50)}`
    const { text: part } = excerpt(text, patternOf('word'))
    expect(part).toMatch(/^…(before )+word (after )+after…$/)
    expect(excerpt('short', patternOf('word'))).toEqual({ text: 'short', highlights: [] })
  })

  it('of any text is short, well-formed, a part of it, and shows what is searched for', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('😀'.repeat(200), ' ', 'word', 'x'.repeat(500), '<b>', 'Word-'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const text = pieces.join('')
        const pattern = patternOf('word')
        const part = excerpt(text, pattern)
        expect(part.text.length).toBeLessThanOrEqual(242)
        if (text.isWellFormed()) expect(part.text.isWellFormed()).toBe(true)
        expect(text).toContain(part.text.replace(/^…|…$/g, ''))
        for (const found of highlighted(part) ?? []) expect(found.toLowerCase()).toBe('word')
        if (mark(text, pattern).highlights.length > 0) expect(part.highlights).not.toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('whatever is searched for', () => {
  let app: TestApp
  let ann: TestUser
  let workspaceId: string

  beforeAll(async () => {
    app = await startApp()
    ann = await register(app.origin, 'Ann')
    workspaceId = (await workspaceOf(ann)).id
    const { id } = await newProject(ann, workspaceId)
    for (const title of ['ab & <b>c</b>', "it's d:*", 'e <-> f 😀 مرحبا'])
      await newTask(ann.api, id, { title })
  })
  afterAll(() => app.stop())

  const operator = fc.constantFrom(
    ...[
      '&',
      '|',
      '!',
      '<->',
      '<2>',
      ':*',
      ':A',
      ':*ABCD',
      '(',
      ')',
      "'",
      "''",
      '"',
      '“',
      '\\',
      "\\'",
      '\t',
      '\n',
    ],
    ...[
      '-',
      '--',
      '*',
      '%',
      '_',
      '$1',
      '😀',
      '\u202e',
      '\u0301',
      '\u200b',
      'مرحبا',
      'שלום',
      '<b>',
      '</b>',
      '&amp;',
    ],
    ...[
      'ab',
      'c',
      "it's",
      'http://',
      'a@b.c',
      '/x',
      '1e9',
      '-1',
      'ENG-1',
      'NaN',
      '\0',
      '\ufffd',
      '\uffff',
      ';--',
    ],
  )
  const hostile = fc.oneof(
    fc.array(operator, { maxLength: 60 }).map(parts => parts.join('')),
    fc.array(operator, { maxLength: 40 }).map(parts => parts.join(' ')),
    fc.string({ unit: 'binary', maxLength: 220 }),
  )

  it('is answered, or refused by name', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async q => {
        const { status, body } = await asked(ann, workspaceId, q)
        if (status === 422)
          expect(body.errors.every(({ path }: { path: string }) => path === 'query.q')).toBe(true)
        else expect(status, q).toBe(200)
      }),
      { numRuns: 250 },
    )
  })

  it.each([
    ['ten kilobytes', `q=${'word+'.repeat(2_000)}`],
    ['ten kilobytes without a space', `q=${'x'.repeat(10_000)}`],
    ['bytes that are no text', 'q=%ff%fe'],
    ['half of a surrogate pair', 'q=%ed%a0%80'],
    ['a broken escape', 'q=%'],
    ['a list', 'q[]=a'],
    ['an object', 'q[a]=b'],
  ])('%s is no error of the server', async (_what, query) => {
    const { status } = await ann.api.get(`/workspaces/${workspaceId}/search?${query}`)
    expect([200, 400, 422]).toContain(status)
  })
})
