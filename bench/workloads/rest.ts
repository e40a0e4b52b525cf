import { articlesEmpty, articlesMessages, messagesSite, smallSite } from '../data/sites.js'
import type { Workload } from '../lab/workload.js'
import type { HttpRequest } from '../load/http.js'
import {
  ARTICLES,
  type Asked,
  ask,
  atOnceFigure,
  cpuFigure,
  loadFigure,
  milliseconds,
  OURS,
  perSecond,
  statementsAtOnce,
  statementsFigure,
  underLoad,
  vibed,
} from './asking.js'

const CONTENT = 'A message of about as many characters as people write to each other: a sentence or two.'

/** A message by POST, again and again. */
export function posting(path: string, token: string): Asked {
  return {
    figure: 'messages',
    requests: [{ method: 'POST', path, token, body: JSON.stringify({ content: CONTENT }) }],
    isRight: ({ data }) => data.content === CONTENT,
  }
}

const hello: Workload = {
  name: 'hello',
  title: 'Hello through the whole edge',
  note: 'Vibed as built, with one more route, the last of all: authentication, limits, request id, validation, envelope, metrics, and no statement of its own (whether the session lives is asked once a second). `GET /users/me` costs one statement.',
  figures: [perSecond('requests'), cpuFigure, milliseconds('p50'), milliseconds('p99'), loadFigure],
  bars: [{ figure: 'requests', against: 'Express 5', atLeast: 3 }],
  async open(bench) {
    const { database, owner } = await smallSite(bench)
    const asked = (path: string, key: string): Asked[] => [
      {
        figure: 'requests',
        requests: [{ method: 'GET', path, token: owner.accessToken }],
        isRight: ({ data }) => data[key] !== undefined,
      },
    ]
    const env = { VIBED_DATA_DIR: bench.newFolder(), RATE_LIMITS: 'off', LOG_LEVEL: 'silent' }
    const server = await bench.baseline('hello-vibed', { database, env })
    return underLoad(bench, [
      { name: OURS, server, asked: asked('/api/v1/hello/world', 'hello') },
      { name: 'Express 5', server: await bench.baseline('hello-express'), asked: asked('/hello', 'hello') },
      { name: 'Vibed, GET /users/me', server, asked: asked('/api/v1/users/me', 'email') },
      { name: 'node:http', server: await bench.baseline('hello-node'), asked: asked('/hello', 'hello') },
    ])
  },
}

const post: Workload = {
  name: 'post-message',
  title: 'POST message, 32 connections',
  note: 'Bare: Express 5 and one prepared statement that numbers and stores each message; nobody is asked who he is.',
  figures: [
    perSecond('messages'),
    milliseconds('p50'),
    milliseconds('p99'),
    cpuFigure,
    statementsFigure,
    atOnceFigure,
  ],
  bars: [],
  async open(bench) {
    const { database, owner, channelIds } = await smallSite(bench)
    const asked = (prefix = '') => [
      posting(`${prefix}/channels/${channelIds[0]}/messages`, owner.accessToken),
    ]
    const ours = asked('/api/v1')
    const side = await vibed(bench, database, ours)
    const also = { ...side.also, ...(await statementsAtOnce(bench, database, ours)) }
    return underLoad(bench, [
      { ...side, also },
      { name: 'bare', server: await bench.baseline('post-bare', { database }), asked: asked() },
      {
        name: ARTICLES,
        server: await bench.baseline('messages-articles', { database: await articlesEmpty(bench) }),
        asked: asked(),
      },
    ])
  },
}

const unread: Workload = {
  name: 'unread',
  title: 'Unread badges of 200 channels',
  note: 'Two pages of a hundred channels with all that is told of them; the other way counts channel by channel, and tells nothing else.',
  figures: [perSecond('all 200'), statementsFigure],
  bars: [],
  async open(bench) {
    const from = await messagesSite(bench)
    const { database, owner, workspaceId } = from
    const half = from.channelIds.length / 2
    const get = (path: string): HttpRequest => ({ method: 'GET', path, token: owner.accessToken })
    const first = get(`/api/v1/workspaces/${workspaceId}/channels?limit=${half}`)
    const server = await bench.server({ database })
    const { answer } = await ask(server, first)
    await server.kill()
    const second = get(`${first.path}&cursor=${answer.meta.nextCursor}`)
    const asked = (count: number, ...requests: HttpRequest[]): Asked[] => [
      {
        figure: 'all 200',
        requests,
        isRight: ({ data }) => data.length === count && data.some(({ unread = 0 }) => unread > 0),
        worth: 1 / requests.length,
      },
    ]
    const theirs = await bench.baseline('messages-articles', {
      database: await articlesMessages(bench, from),
    })
    return underLoad(bench, [
      await vibed(bench, database, asked(half, first, second)),
      { name: 'a count for each channel', server: theirs, asked: asked(2 * half, get('/unread')) },
    ])
  },
}

export const restWorkloads: readonly Workload[] = [hello, post, unread]
