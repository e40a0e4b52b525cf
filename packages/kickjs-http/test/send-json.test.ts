import { once } from 'node:events'
import { createServer } from 'node:http'
import express, { type Response } from 'express'
import { expect, test } from 'vitest'
import { JsonText } from '../src/request/json-text.js'
import { sendJson } from '../src/request/send-json.js'

const asItIs = (res: Response) => res
const long = { text: 'Grüße, '.repeat(500) }

test.each<[string, unknown, ((res: Response) => Response)?, RequestInit?]>([
  ['an object', { a: 1, more: ['ö', '👋'] }],
  ['null', null],
  ['a text', 'text'],
  ['a long answer', long],
  ['nothing', undefined],
  ['JSON that is text already', new JsonText('{"a":[1,"ö"]}')],
  ['such JSON within something else', { data: new JsonText('[null]') }],
  ['a status', { a: 1 }, res => res.status(409)],
  ['a status without a body', { a: 1 }, res => res.status(204)],
  ['a content type of its own', { a: 1 }, res => res.type('application/problem+json')],
  ['HEAD', { a: 1 }, asItIs, { method: 'HEAD' }],
  ['an ETag', { a: 1 }, res => res.set('ETag', '"1"')],
  [
    'a condition that holds',
    { a: 1 },
    res => res.set('ETag', '"1"'),
    { headers: { 'if-none-match': '"1"' } },
  ],
  [
    'a condition that does not hold',
    long,
    res => res.set('ETag', '"2"'),
    { headers: { 'if-none-match': '"1"' } },
  ],
  ['a condition without anything to compare', { a: 1 }, asItIs, { headers: { 'if-none-match': '*' } }],
])('an answer is what res.json makes of it: %s', async (_name, data, prepare, init) => {
  const answers = []
  for (const send of [(res: Response) => res.json(data), (res: Response) => sendJson(res.req, res, data)]) {
    const app = express().disable('etag')
    app.use((_req, res) => {
      prepare?.(res)
      send(res)
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = address && typeof address === 'object' ? address.port : 0
    const response = await fetch(`http://127.0.0.1:${port}/`, init ?? {})
    const { date: _date, ...headers } = Object.fromEntries(response.headers)
    answers.push({ status: response.status, headers, body: await response.text() })
    server.close().closeAllConnections()
  }
  expect(answers[1]).toEqual(answers[0])
})
