import { historyCursor } from '../data/cursors.js'
import type { Site } from '../data/site.js'
import { articlesMessages, messagesSite, PAGE, sizes } from '../data/sites.js'
import type { Workload } from '../lab/workload.js'
import {
  ARTICLES,
  type Asked,
  milliseconds,
  OURS,
  perSecond,
  statementsFigure,
  underLoad,
  vibed,
} from './asking.js'

/** A page at the top, and one far down; whichever server gives them, they begin with the same messages. */
export function historyPages(
  { owner, channelIds }: Pick<Site<unknown>, 'owner' | 'channelIds'>,
  { prefix = '', deep, messages, start }: { prefix?: string; deep: string; messages: number; start: number },
): Asked[] {
  const path = `${prefix}/channels/${channelIds[0]}/messages?limit=${PAGE}`
  const page = (figure: string, first: number, more = ''): Asked => ({
    figure,
    requests: [{ method: 'GET', path: `${path}${more}`, token: owner.accessToken }],
    isRight: ({ data }) => data.length === PAGE && data[0].content.startsWith(`Message ${first}:`),
  })
  return [page('top', messages), page('deep', start - 1, deep)]
}

const history: Workload = {
  name: 'history',
  title: 'A page of 50 of a history of 500,000 messages',
  note: 'At the top, and 400,000 messages down. Bare: Express 5 with the same page by a prepared statement of drizzle, and nobody is asked who he is; with moments as Date objects, as they come, and as text.',
  figures: [
    perSecond('top'),
    perSecond('deep'),
    milliseconds('p99 top'),
    milliseconds('p99 deep'),
    statementsFigure,
  ],
  bars: [
    { figure: 'top', against: 'bare', atLeast: 1.3 },
    { figure: 'deep', against: 'bare', atLeast: 1.3 },
    { figure: 'deep', against: OURS, their: 'top', atLeast: 1 / 1.2 },
  ],
  async open(bench) {
    const from = await messagesSite(bench)
    const { database } = from
    const { messages, depth } = sizes(bench)
    const start = messages - depth + 1
    const pages = (deep: string, prefix?: string) =>
      historyPages(from, { deep, messages, start, ...(prefix !== undefined && { prefix }) })
    const ours = pages(`&cursor=${historyCursor(start)}`, '/api/v1')
    const bare = pages(`&before=${start}`)
    const asText = { database, env: { TIMES: 'text' } }
    // Messages are a second apart: see bench/data/messages.ts.
    const time = new Date(Date.UTC(2025, 0, 1) + start * 1_000).toISOString()
    const theirs = await bench.baseline('messages-articles', {
      database: await articlesMessages(bench, from),
    })
    return underLoad(bench, [
      await vibed(bench, database, ours),
      { name: 'bare', server: await bench.baseline('history-bare', { database }), asked: bare },
      { name: 'bare, times as text', server: await bench.baseline('history-bare', asText), asked: bare },
      { name: ARTICLES, server: theirs, asked: pages(`&cursor=${time}`) },
    ])
  },
}

export const historyWorkloads: readonly Workload[] = [history]
