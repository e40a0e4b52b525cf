import type { Random } from '../../lab/random.js'
import { damaged, type Known, record, token, value } from './nonsense.js'
import { exchange, frame, upgrade } from './raw.js'

/** What an attack is made against. */
export interface Target {
  origin: string
  port: number
  known: Known
  /** Method and path of each route, with its parameters as `{name}`. */
  routes: [string, string][]
}

/** One attack: how many frames or requests it was, and the statuses of the answers. */
export interface Attack {
  sent: number
  statuses: number[]
  /** Events that were neither acknowledged nor refused. */
  silent?: number
}

const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PURGE']
const WEBSOCKET = '/ws/?EIO=4&transport=websocket'
const FRAMES = 10

/** A request to a route that is there, with a body that fits badly. */
export async function request({ origin, known, routes }: Target, random: Random): Promise<Attack> {
  const [method, template] = random.pick(routes)
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const fits = random.chance(0.7) ? known.ids[name] : undefined
    return fits ?? encodeURIComponent(printable(value(random, known, 5)))
  })
  const query = random.chance(0.4) ? `?${encoded(record(random, known, 4))}` : ''
  const headers: Record<string, string> = {}
  if (random.chance(0.9)) headers.authorization = `Bearer ${printable(token(random, known))}`
  if (random.chance(0.2)) headers['idempotency-key'] = printable(value(random, known, 5)) || 'key'
  if (random.chance(0.1)) headers['if-match'] = printable(value(random, known, 5))
  const hasBody = method !== 'GET' && method !== 'HEAD' && random.chance(0.9)
  if (hasBody) headers['content-type'] = random.chance(0.95) ? 'application/json' : 'text/plain'
  const json = JSON.stringify(record(random, known))
  const body = hasBody ? (random.chance(0.8) ? json : damaged(random, json)) : null
  // A stream would go on for ever: its head is enough.
  const signal = AbortSignal.timeout(10_000)
  const response = await fetch(`${origin}${path}${query}`, {
    method,
    headers,
    body,
    signal,
    redirect: 'manual',
  })
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) await response.body?.cancel()
  else await response.arrayBuffer()
  return { sent: 1, statuses: [response.status] }
}

/** Bytes that are hardly HTTP any more. */
export async function bytes({ port, known, routes }: Target, random: Random): Promise<Attack> {
  const [, path] = random.pick(routes)
  const body = JSON.stringify(record(random, known))
  const length = random.pick([body.length, 0, -1, 5, 1e12])
  const head = `${random.pick(METHODS)} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${random.pick(known.tokens)}`
  const extra = random.pick([
    '',
    'Transfer-Encoding: chunked\r\n',
    'Expect: 100-continue\r\n',
    'Connection: close\r\n',
  ])
  const text = `${head}\r\n${extra}Content-Length: ${length}\r\n\r\n${body}`
  const pieces = random.chance(0.2) ? [random.bytes(random.below(500))] : [damaged(random, text)]
  const { statuses } = await exchange(port, pieces, random)
  return { sent: 1, statuses }
}

/** A polling session that opens as it should and goes on as it should not. */
export async function polling({ origin, known }: Target, random: Random): Promise<Attack> {
  const at = `${origin}/ws/?EIO=4&transport=polling`
  const opened = await fetch(at)
  const sid = /"sid":"([^"]+)"/.exec(await opened.text())?.[1] ?? 'none'
  const statuses = [opened.status]
  const packets = Array.from({ length: FRAMES }, () => packet(random, known))
  const pieces = [
    `40/chat,${JSON.stringify({ token: token(random, known) })}`,
    packets.join('\u001e'),
    ...packets.slice(0, 3),
  ]
  for (const body of pieces) {
    const sent = random.chance(0.8) ? body : damaged(random, body)
    const signal = AbortSignal.timeout(10_000)
    const answer = await fetch(`${at}&sid=${sid}`, { method: 'POST', body: sent, signal })
    await answer.arrayBuffer()
    statuses.push(answer.status)
  }
  return { sent: FRAMES + 4, statuses }
}

/** A WebSocket with packets and frames of every kind. */
export async function frames({ port, known }: Target, random: Random): Promise<Attack> {
  const greeting = frame(Buffer.from(`40/chat,${JSON.stringify({ token: token(random, known) })}`))
  const nonsense = Array.from({ length: FRAMES }, () => {
    const payload = random.chance(0.8) ? Buffer.from(packet(random, known)) : random.bytes(random.below(200))
    if (random.chance(0.9)) return frame(payload)
    const options = { opcode: random.below(16), masked: random.chance(0.5), fin: random.chance(0.5) }
    return frame(payload, { ...options, length: random.pick([payload.length, 1e6, 2 ** 40]) })
  })
  const { statuses } = await exchange(port, [upgrade(WEBSOCKET), greeting, ...nonsense], random)
  return { sent: FRAMES + 2, statuses }
}

/** A packet of Engine.IO and Socket.IO with something in it that does not belong there. */
function packet(random: Random, known: Known): string {
  const event = random.chance(0.7) ? random.pick(EVENTS) : printable(value(random, known, 5))
  const data = random.chance(0.7) ? record(random, known) : value(random, known)
  const body = JSON.stringify([event, data, ...(random.chance(0.1) ? [value(random, known)] : [])])
  const whole = `42${random.pick(['/chat,', '/chat,', '/chat,', '', '/other,'])}${random.below(1000)}${body}`
  const lot = random.next()
  if (lot < 0.7) return whole
  if (lot < 0.85) return damaged(random, whole).toString('latin1')
  return `${random.below(10)}${random.below(10)}${random.pick(['', '/chat,', '/chat,5-', '["x"]', '{"_placeholder":true}'])}`
}

const EVENTS = [
  'auth channel:join channel:leave message:send message:edit message:delete channel:typing',
  'channel:stop_typing channel:read channel:sync project:join project:leave disconnect connect error',
].flatMap(line => line.split(' '))

/** As text that may stand in a header or a path. */
function printable(any: unknown): string {
  const text = typeof any === 'string' ? any : String(JSON.stringify(any))
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2_000)
}

function encoded(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .map(([name, any]) => `${encodeURIComponent(name)}=${encodeURIComponent(printable(any))}`)
    .join('&')
}
