import { once } from 'node:events'
import { OnDisconnect, OnMessage, WsAdapter, type WsContext, WsController } from '@forinda/kickjs-ws'
import { expect, test } from 'vitest'
import { next, raw, serve, transports } from './harness.js'

/** A handler that is under way until it is let go. */
function held() {
  let begin = () => {}
  let release = () => {}
  const begun = new Promise<void>(resolve => {
    begin = resolve
  })
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  return { begin, begun, release, released }
}

let handler = held()
const gone: string[] = []

@WsController('/s')
class ShutdownController {
  @OnMessage('hold')
  async hold() {
    handler.begin()
    await handler.released
    return 'done'
  }
  @OnMessage('ping', undefined, { concurrent: true })
  ping() {}
  @OnDisconnect()
  async disconnect(ctx: WsContext) {
    await new Promise(resolve => setImmediate(resolve))
    gone.push(ctx.id)
  }
}

const options = { controllers: [ShutdownController] }

test('100 open sockets of both transports neither hold the server nor lose their way back', async () => {
  const { adapter, server, connect } = await serve(options)
  gone.length = 0
  const clients = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      connect('/s', { transports: [transports[index % 2] ?? 'polling'], reconnection: true }),
    ),
  )
  const ids = clients.map(client => client.id)
  const reasons = Promise.all(clients.map(client => next(client, 'disconnect')))
  const begun = performance.now()
  await adapter.shutdown()
  expect(performance.now() - begun).toBeLessThan(2_000)
  expect(gone.toSorted()).toEqual(ids.toSorted())
  await once(server.close(), 'close')
  // A polling client between two polls is told by the answer to its next one.
  for (const reason of await reasons) expect(reason).toMatch(/^transport (close|error)$/)
  expect(clients.every(client => client.active)).toBe(true)
})

test('what is under way finishes and is acknowledged, what comes later is refused', async () => {
  handler = held()
  const { adapter, server, origin, connect } = await serve(options)
  const client = await connect('/s')
  const answer = client.emitWithAck('hold')
  await handler.begun
  const stopping = adapter.shutdown()
  expect(await client.emitWithAck('ping')).toEqual({
    ok: false,
    error: { code: 'SERVICE_UNAVAILABLE', message: expect.any(String), retryAfterMs: 1_000 },
  })
  expect((await fetch(`${origin}/ws/?EIO=4&transport=polling`)).status).toBe(403)
  handler.release()
  expect(await answer).toEqual({ ok: true, data: 'done' })
  await stopping
  expect(server.listening).toBe(true)
  expect((await fetch(`${origin}/else`)).status).toBe(404)
})

test('neither a handler that never ends nor a peer that never answers holds the process', async () => {
  handler = held()
  const { adapter, server, port, connect } = await serve(options)
  const frozen = await raw(port)
  const connected = frozen.next('40/s,')
  frozen.send('40/s,')
  await connected
  frozen.socket.pause()
  const client = await connect('/s')
  client.emit('hold')
  await handler.begun
  await adapter.shutdown()
  await once(server.close(), 'close')
})

test('a client finds its way to the next server on the same port', async () => {
  const { adapter, server, port, connect } = await serve(options)
  const client = await connect('/s', { reconnection: true, reconnectionDelay: 1, reconnectionDelayMax: 20 })
  await adapter.shutdown()
  await once(server.close(), 'close')
  const back = next(client, 'connect')
  await serve(options, undefined, port)
  await back
  expect(await client.emitWithAck('ping')).toEqual({ ok: true, data: null })
})

test('a shutdown before the start, or a second one, does nothing', async () => {
  await new WsAdapter().shutdown()
  const { adapter } = await serve(options)
  await adapter.shutdown()
  await adapter.shutdown()
})
