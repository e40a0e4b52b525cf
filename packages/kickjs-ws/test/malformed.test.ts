import { once } from 'node:events'
import { OnConnect, OnDisconnect, OnMessage, type WsContext, WsController } from '@forinda/kickjs-ws'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { raw, serve } from './harness.js'

const counted = { connects: 0, disconnects: 0 }

@WsController('/m')
class MalformedController {
  @OnConnect()
  connect() {
    counted.connects++
  }
  @OnDisconnect()
  disconnect() {
    counted.disconnects++
  }
  @OnMessage('echo')
  echo(ctx: WsContext) {
    return ctx.data
  }
  @OnMessage('typed', z.strictObject({ id: z.uuid(), list: z.array(z.number()).max(3) }), {
    concurrent: true,
  })
  typed() {
    return 'ok'
  }
}

const options = { controllers: [MalformedController], maxPayload: 5_000 }
const joined = async (port: number) => {
  const client = await raw(port)
  const connected = client.next('40/m,')
  client.send('40/m,')
  await connected
  return client
}

test('reserved names, nameless events and other broken packets never crash, and bad ones close', async () => {
  const { port, connect } = await serve(options)
  const other = await connect('/m')
  const closing = [
    ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map(
      name => `42/m,1["${name}",{}]`,
    ),
    '42/m,1[]',
    '42/m,1{}',
    '42/m,1[{}]',
    '42/m,1[null]',
    '42/m,1["a"',
    '42/m,1"a"',
    '40/m,',
    '40/m,[]',
    '44/m,{"message":"x"}',
    '41/m,"x"',
    '42/other,["echo"]',
    '49',
    '4',
    '2',
    '451-/m,["echo"]x',
    '4511-/m,["echo"]',
    '45-/m,["echo"]',
    'x',
    '',
  ]
  for (const frame of closing) {
    const client = await joined(port)
    client.send(frame)
    if (frame.startsWith('451-')) client.send('42/m,["echo"]')
    expect([frame, await client.closed]).toEqual([frame, 1005])
  }
  expect(await other.emitWithAck('echo', 1)).toEqual({ ok: true, data: 1 })
})

test('an event without a name or with a number for one is unknown', async () => {
  const client = await joined((await serve(options)).port)
  for (const frame of ['42/m,7', '42/m,7[5,1]', '42/m,7[""]', '42/m,7[1e400]']) {
    const answer = client.next('43/m,7')
    client.send(frame)
    expect(await answer).toContain('UNKNOWN_EVENT')
  }
  for (const frame of ['42/m,', '42/m,[5]', '42/m,["constructor"]']) {
    const answer = client.next('42/m,["error"')
    client.send(frame)
    expect(await answer).toContain('UNKNOWN_EVENT')
  }
})

test('acks that nobody asked for, early pongs and a lone attachment count are harmless', async () => {
  const client = await joined((await serve(options)).port)
  for (const frame of [
    '43/m,1[]',
    '43/m,1',
    '43/m,["x"]',
    '3',
    '3',
    '6',
    '0{}',
    '43/m,99999999999999999999[1]',
  ]) {
    client.send(frame)
  }
  const answer = client.next('43/m,5')
  client.send('42/m,5["echo",{"__proto__":{"admin":true},"constructor":1}]')
  expect(await answer).toBe('43/m,5[{"ok":true,"data":{"__proto__":{"admin":true},"constructor":1}}]')
  expect(Object(Object.create({})).admin).toBeUndefined()
})

test('an answer that cannot be written for its depth is an error, not a crash', async () => {
  const { port } = await serve({ ...options, maxPayload: 200_000 })
  const client = await joined(port)
  const answer = client.next('43/m,1')
  const depth = 90_000
  client.send(`42/m,1["echo",${'['.repeat(depth)}${']'.repeat(depth)}]`)
  expect(await answer).toMatch(/INTERNAL_SERVER_ERROR|"ok":true/)
  client.send(`451-/m,2["echo",${'['.repeat(depth)}${']'.repeat(depth)}]`)
  client.send(Buffer.alloc(1))
  const last = await Promise.race([client.next('43/m,2'), client.closed])
  expect([1005, last]).toContain(last)
})

test('a second CONNECT in the same breath closes the connection instead of opening a second socket', async () => {
  const { port, adapter } = await serve(options)
  const client = await raw(port)
  for (let count = 0; count < 1_000; count++) client.send('40/m,')
  await client.closed
  expect(adapter.io.of('/m').sockets.size).toBe(0)
})

test('who leaves every namespace and joins none is disconnected after ten seconds', async () => {
  const { port, adapter } = await serve(options)
  const [gone, back] = [await joined(port), await joined(port)]
  const left = [...adapter.io.of('/m').sockets.values()].map(socket => once(socket, 'disconnect'))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  for (const client of [gone, back]) client.send('41/m,')
  await Promise.all(left)
  const again = back.next('40/m,')
  back.send('40/m,')
  await again
  vi.advanceTimersByTime(10_000)
  expect(await gone.closed).toBe(1005)
  const answer = back.next('43/m,1')
  back.send('42/m,1["echo",1]')
  expect(await answer).toContain('"ok":true')
})

test('a poll with another method is a 400', async () => {
  const { origin } = await serve(options)
  const url = `${origin}/ws/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    expect((await fetch(`${url}&sid=${sid}`, { method })).status).toBe(400)
  }
  const queries = [
    '',
    '?EIO=3&transport=polling',
    '?EIO=4&transport=x',
    '?EIO=4&transport=polling&sid=__proto__',
    '?%',
  ]
  for (const query of queries) expect((await fetch(`${origin}/ws/${query}`)).status).toBe(400)
})

test('a client that does not read is closed, and what waited for it freed', async () => {
  const { port, adapter } = await serve({ ...options, maxPayload: 2_000 })
  const client = await joined(port)
  const { conn } = [...adapter.io.of('/m').sockets.values()][0] ?? {}
  if (!conn) throw new Error('not connected')
  client.socket.pause()
  while (conn.readyState === 'open') {
    for (let count = 0; count < 100; count++) adapter.io.of('/m').emit('news', 'x'.repeat(10_000))
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(adapter.io.of('/m').sockets.size).toBe(0)
})

test('thousands of malformed packets leave the process and the other sockets alone', async () => {
  const { port, origin, connect } = await serve(options)
  const other = await connect('/m')
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom(
      '["echo",1]',
      '["typed",{}]',
      '["__proto__"]',
      '[',
      ']',
      '{"_placeholder":true,"num":9}',
      '\0',
    ),
  )
  const packet = fc.tuple(
    fc.constantFrom(
      '',
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      'b',
      '40',
      '41',
      '42',
      '43',
      '44',
      '451-',
      '461-',
      '452-',
    ),
    fc.constantFrom('', '/m,', '/m', '/x,', '/m?a=b,'),
    fc.constantFrom('', '0', '1', '-1', '1e9', '9'.repeat(30)),
    text,
  )
  const frame = fc.oneof(
    { weight: 9, arbitrary: packet.map(parts => parts.join('')) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map(bytes => Buffer.from(bytes)) },
  )
  let sent = 0
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 12 }), async frames => {
      const client = await joined(port)
      const survived = client.next('43/m,4242')
      for (const each of frames) client.send(each)
      client.send('42/m,4242["echo","alive"]')
      sent += frames.length
      await Promise.race([survived, client.closed])
      client.socket.terminate()
      expect(await other.emitWithAck('echo', sent)).toEqual({ ok: true, data: sent })
    }),
    { numRuns: 400 },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 12 }), async packets => {
      const url = `${origin}/ws/?EIO=4&transport=polling`
      const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
      const body = ['40/m,', ...packets.map(parts => parts.join(''))].join('\x1e')
      const { status } = await fetch(`${url}&sid=${sid}`, { method: 'POST', body })
      expect(status).toBeLessThan(500)
    }),
    { numRuns: 200 },
  )
  expect(sent).toBeGreaterThan(1_000)
  expect(await other.emitWithAck('echo', 'still here')).toEqual({ ok: true, data: 'still here' })
})

test('every well-formed event is answered, whatever its name and payload', async () => {
  const client = await (await serve(options)).connect('/m')
  const name = fc.oneof(fc.string(), fc.constantFrom('echo', 'typed', 'toString', '__proto__', 'error'))
  const reserved = [
    'connect',
    'connect_error',
    'disconnect',
    'disconnecting',
    'newListener',
    'removeListener',
  ]
  await fc.assert(
    fc.asyncProperty(
      name,
      fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 3 }),
      async (event, payload) => {
        fc.pre(!reserved.includes(event))
        const answer = await client.emitWithAck(event, ...payload)
        const code = expect.stringMatching(/^(UNKNOWN_EVENT|VALIDATION_ERROR|PAYLOAD_TOO_LARGE)$/)
        if (answer.ok) expect(event).toBe('echo')
        else expect(answer.error).toMatchObject({ code, message: expect.any(String) })
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a socket that came and went has had its @OnDisconnect for each @OnConnect', async () => {
  const { port, adapter } = await serve(options)
  counted.connects = 0
  counted.disconnects = 0
  for (let count = 0; count < 20; count++) {
    const client = await joined(port)
    client.socket.terminate()
  }
  const last = await joined(port)
  last.send('41/m,')
  await adapter.shutdown()
  expect(counted).toEqual({ connects: 21, disconnects: 21 })
})
