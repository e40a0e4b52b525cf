import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { foundHits } from '../../src/modules/search/found-hits.js'
import { hitTypes } from '../../src/modules/search/search.contract.js'
import { searchTerms } from '../../src/modules/search/search-terms.js'
import { startApp, type TestApp } from '../support/app.js'
import { type Company, found, isIn, mayRead } from './company.js'
import { asked, search } from './support.js'

const SIZE = 100_000
/** The full measure is 10,000: see docs/testing.md. */
const QUERIES = Number(process.env.SEARCH_QUERIES ?? 300)

let app: TestApp
let company: Company

beforeAll(async () => {
  // At full size it takes longer than a token lives.
  app = await startApp({ config: { accessTokenMs: 24 * 3_600_000 } })
  company = await found(app, SIZE)
}, 180_000)
afterAll(() => app.stop())

const to = (max: number) => fc.integer({ min: 0, max })
const [workspace, place, number] = [to(3), to(4), fc.integer({ min: 1, max: SIZE })]

/** Something that somebody may search for: mostly what is there, often in places that he does not see. */
const term = fc.oneof(
  to(499).map(n => `w${n}`),
  fc.tuple(fc.constantFrom('t', 'm', 'k', 'f'), number).map(([kind, n]) => `${kind}${n}`),
  fc.tuple(fc.constantFrom('p', 'c'), workspace, place).map(([kind, w, p]) => `${kind}${w}x${p}`),
  fc.tuple(workspace, place, number).map(([w, p, n]) => `P${w}X${p}-${n}`),
  fc.tuple(to(499), to(36)).map(([one, other]) => `"w${one} w${other}"`),
  fc.constantFrom('common', 'comm', 'w', 'w1', 'pdf', 'p0', 'c1x'),
)
/** Mostly one, since few texts have several of them. */
const terms = fc.oneof(
  { weight: 3, arbitrary: term },
  { weight: 1, arbitrary: fc.array(term, { minLength: 2, maxLength: 3 }).map(several => several.join(' ')) },
)
const query = fc.record({
  q: terms,
  who: to(4),
  workspace,
  types: fc.option(fc.subarray([...hitTypes], { minLength: 1 })),
  limit: fc.integer({ min: 1, max: 50 }),
})
type Query = typeof query extends fc.Arbitrary<infer T> ? T : never

/** Two pages of a search, looked at one by one: how many hits, and those that ought not to be there. */
async function judge({ q, who, workspace, types, limit }: Query) {
  const person = company.people[who]
  const workspaceId = company.workspaceIds[workspace]
  if (!person || !workspaceId) throw new Error('There is nobody, or no such place')
  const more = `&limit=${limit}${types ? `&type=${types}` : ''}`
  const first = await asked(person.user, workspaceId, q, more)
  if (!isIn(person.name, workspace)) return { hits: 0, wrong: first.status === 404 ? [] : [first] }
  const { nextCursor } = first.body.meta
  const second = nextCursor && (await asked(person.user, workspaceId, q, `${more}&cursor=${nextCursor}`))
  const hits = [first, ...(second ? [second] : [])].flatMap(({ body }) => body.data)
  const wrong = hits.filter(({ id, type, ...hit }) => {
    const real = company.places.get(id)
    const isHis = real?.workspace === workspace && mayRead(person.name, real)
    return (
      !isHis || (hit.projectId === null) !== (real.project === undefined) || types?.includes(type) === false
    )
  })
  return { hits: hits.length, wrong }
}

describe(`among ${SIZE.toLocaleString('en')} tasks and as many messages`, () => {
  it(
    `${QUERIES} random queries of everybody give no hit from a place that he may not read`,
    async () => {
      const queries = fc.sample(query, QUERIES)
      let hits = 0
      const next = async (): Promise<void> => {
        for (let one = queries.pop(); one; one = queries.pop()) {
          const judged = await judge(one)
          expect(judged.wrong, JSON.stringify(one)).toEqual([])
          hits += judged.hits
        }
      }
      await Promise.all([next(), next(), next(), next()])
      expect(hits).toBeGreaterThan(QUERIES)
    },
    60_000 + QUERIES * 300,
  )

  it('each finds what he may read by a word that nothing else has, and nothing by one of what he may not', async () => {
    const words = fc.sample(
      fc.tuple(fc.constantFrom('t', 'm'), number).map(([kind, n]) => `${kind}${n}`),
      30,
    )
    let seen = 0
    for (const word of words) {
      const id = company.ids.get(word)
      const place = id === undefined ? undefined : company.places.get(id)
      const workspaceId = company.workspaceIds[place?.workspace ?? 0] ?? ''
      for (const { name, user } of company.people) {
        if (!isIn(name, place?.workspace ?? 0)) continue
        const hits = await search(user, workspaceId, `"${word}"`, '&type=task,message')
        const expected = place && mayRead(name, place) ? [id] : []
        expect(
          hits.map(hit => hit.id),
          `${word} of ${name}`,
        ).toEqual(expected)
        seen += hits.length
      }
    }
    expect(seen).toBeGreaterThan(0)
  })

  /** The names of indexes, and of the tables that are read from end to end. */
  async function reads(name: string, workspace: number, q: string) {
    const readerId = company.people.find(person => person.name === name)?.user.id ?? ''
    const workspaceId = company.workspaceIds[workspace] ?? ''
    const search = { readerId, workspaceId, terms: searchTerms(q), types: hitTypes, after: undefined }
    const { rows } = await app.database.query.execute(
      sql`explain (format json) select * from (${foundHits(search, 20)}) found`,
    )
    const plan = JSON.stringify(rows)
    return {
      indexes: [...plan.matchAll(/"Index Name": *"([^"]+)"/g)].map(([, index]) => index),
      whole: [...plan.matchAll(/"Node Type":"Seq Scan".*?"Relation Name":"([^"]+)"/g)].map(
        ([, table]) => table,
      ),
      times: Object.fromEntries(hitTypes.map(type => [type, plan.split(`"${type}s_search"`).length - 1])),
    }
  }

  it.each([
    ['Ann', 0, 't17'],
    ['Gus', 0, 'm17'],
    ['Gus', 2, 't17 w5'],
    ['Bob', 1, '"w5 w7" m17'],
    ['Eve', 3, 'P3X4-17'],
  ])('what %s searches for is looked up in the indexes of words, once each', async (name, workspace, q) => {
    const { indexes, whole, times } = await reads(name, workspace, q)
    expect(indexes).toEqual(expect.arrayContaining(['tasks_search', 'messages_search', 'comments_search']))
    expect(whole.filter(table => ['tasks', 'messages', 'comments'].includes(table ?? ''))).toEqual([])
    // There are so few attachments that reading them all may be quicker.
    expect(times).toEqual({ task: 1, comment: 1, message: 1, attachment: expect.toBeOneOf([0, 1]) })
  })
})
