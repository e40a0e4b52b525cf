import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, Socket as TcpSocket } from 'node:net'
import { OnMessage, type WsContext, WsController } from '@forinda/kickjs-ws'
import fc from 'fast-check'
import { Server, type Socket } from 'socket.io'
import type { Socket as Client } from 'socket.io-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { next, serve } from './harness.js'
import { SlowClient } from './slow-client.js'

@WsController('/b')
class BroadcastController {
  @OnMessage('join')
  async join(ctx: WsContext<string>) {
    ctx.answer('joined')
    await ctx.join(ctx.data)
    ctx.socket.nsp.to(ctx.data).emit('n', 1)
  }
}

const options = { controllers: [BroadcastController] }

async function started(overrides = {}) {
  const served = await serve({ ...options, ...overrides })
  const namespace = served.adapter.io.of('/b')
  return {
    ...served,
    namespace,
    /** The server's side of the socket that joined last. */
    latest: (): Socket => [...namespace.sockets.values()].at(-1) as Socket,
  }
}

/** The TCP connection of a client that came over WebSocket. */
function tcpOf({ conn }: Socket): TcpSocket {
  const tcp = Reflect.get(Reflect.get(conn.transport, 'socket'), '_socket')
  expect(tcp).toBeInstanceOf(TcpSocket)
  return tcp
}

/** How often from now on something passes Engine.IO, and something is written to the TCP connection. */
function ways(socket: Socket) {
  return { engine: vi.spyOn(socket.conn, 'send'), tcp: vi.spyOn(tcpOf(socket), 'write') }
}

/** What the client has heard of `n` so far. */
function numbers(client: Client): number[] {
  const heard: number[] = []
  client.on('n', (number: number) => heard.push(number))
  return heard
}

const turn = () => new Promise(resolve => setImmediate(resolve))

/** A Socket.IO server as it comes. */
async function stock() {
  const server = createServer()
  const io = new Server(server, { path: '/ws', serveClient: false })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => void (await io.close()))
  return { namespace: io.of('/b'), port: (server.address() as AddressInfo).port }
}

/** All bytes that a client is sent until it has seen the frame `42/b,["end"]`. */
async function captured(port: number, emit: () => void): Promise<Buffer> {
  const client = await SlowClient.join(port, '/b')
  const chunks: Buffer[] = []
  client.socket.on('data', chunk => chunks.push(chunk))
  emit()
  await client.seen('42/b,["end"]')
  client.socket.destroy()
  return Buffer.concat(chunks)
}

/** Without the WebSocket pings, by which reading is confirmed. */
function withoutPings(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const short = bytes.readUInt8(at + 1)
    const head = short === 127 ? 10 : short === 126 ? 4 : 2
    const length =
      short === 127 ? bytes.readUIntBE(at + 4, 6) : short === 126 ? bytes.readUInt16BE(at + 2) : short
    if (bytes.readUInt8(at) !== 0x89) parts.push(bytes.subarray(at, at + head + length))
    at += head + length
  }
  return Buffer.concat(parts)
}

describe('a broadcast over WebSocket', () => {
  test('goes to the TCP connection past Engine.IO, all of a turn in one piece', async () => {
    const { namespace, connect, latest } = await started()
    const client = await connect('/b')
    const heard = numbers(client)
    const { engine, tcp } = ways(latest())
    for (let n = 0; n < 50; n++) namespace.emit('n', n)
    expect([engine.mock.calls.length, tcp.mock.calls.length]).toEqual([0, 0])
    namespace.emit('end')
    await next(client, 'end')
    expect([engine.mock.calls.length, tcp.mock.calls.length]).toEqual([0, 1])
    expect(heard).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  test('is the same to the byte as that of stock Socket.IO', async () => {
    const { namespace, port } = await started()
    const plain = await stock()
    const payloads: unknown[][] = [
      [],
      [''],
      [null, 0, false],
      ['ascii'],
      ['äöü € 漢字 👩‍👩‍👧 \u0000 \u2028 \ud800'],
      [{ deep: [{ er: { 'than "that"': [[]] } }] }],
      ...[90, 125, 126, 60_000, 65_500, 65_535, 65_536, 70_000, 300_000].map(length => ['x'.repeat(length)]),
      ['€'.repeat(30_000)],
      [Buffer.from('bytes')],
      [{ mixed: ['text', Buffer.alloc(70_000, 1)] }],
    ]
    const emitTo = (target: Pick<typeof namespace, 'emit'>) => () => {
      for (const payload of payloads) target.emit('event', ...payload)
      target.emit('end')
    }
    const own = await captured(port, emitTo(namespace))
    const expected = await captured(plain.port, emitTo(plain.namespace))
    expect(withoutPings(own).equals(expected)).toBe(true)
    expect(expected.length).toBeGreaterThan(700_000)
  })

  test('reaches whom it is for: rooms, each socket once, without those excepted', async () => {
    const { namespace, connect, latest } = await started()
    const clients: Client[] = []
    for (const rooms of [['a'], ['a', 'b'], ['b'], ['a', 'c'], []]) {
      clients.push(await connect('/b'))
      await latest().join(rooms)
    }
    const heard = clients.map(client => numbers(client))
    const sender = latest()
    namespace.to('a').to('b').emit('n', 1)
    namespace.local.to('a').emit('n', 2)
    namespace.to(['a', 'b']).except('c').emit('n', 3)
    namespace.volatile.to('b').emit('n', 4)
    namespace.compress(true).to('c').emit('n', 5)
    sender.to('b').emit('n', 6)
    sender.broadcast.emit('n', 7)
    namespace.emit('end')
    await Promise.all(clients.map(client => next(client, 'end')))
    expect(heard).toEqual([[1, 2, 3, 7], [1, 2, 3, 4, 6, 7], [1, 3, 4, 6, 7], [1, 2, 5, 7], []])
  })

  test('is answered, where an answer is asked for', async () => {
    const { namespace, connect } = await started()
    for (const name of ['a', 'b']) (await connect('/b')).on('who', answer => answer(name))
    expect((await namespace.timeout(5_000).emitWithAck('who')).toSorted()).toEqual(['a', 'b'])
  })

  test('comes after the answer that was given before it', async () => {
    const { connect } = await started()
    const client = await connect('/b')
    const log: unknown[] = []
    client.on('n', number => log.push(number))
    client.emit('join', 'room', (answer: { data: unknown }) => log.push(answer.data))
    await next(client, 'n')
    expect(log).toEqual(['joined', 1])
  })
})

describe('stock Socket.IO is left to do', () => {
  async function counted(emit: (socket: Socket) => unknown, transports = ['websocket']) {
    const { namespace, connect, latest } = await started()
    const client = await connect('/b', { transports })
    const socket = latest()
    const engine = vi.spyOn(socket.conn, 'send')
    emit(socket)
    namespace.emit('end')
    await next(client, 'end')
    return engine.mock.calls.length
  }

  test('what goes over long-polling', async () => {
    expect(await counted(({ nsp }) => nsp.emit('n', 1), ['polling'])).toBe(2)
  })

  test('what is binary', async () => {
    // The packet, its attachment, and what comes while they wait.
    expect(await counted(({ nsp }) => nsp.emit('n', Buffer.from('x')))).toBe(3)
  })

  test('what is larger than 64 KiB', async () => {
    expect(await counted(({ nsp }) => nsp.emit('n', 'x'.repeat(65_536)))).toBeGreaterThanOrEqual(1)
    expect(await counted(({ nsp }) => nsp.emit('n', 'x'.repeat(65_000)))).toBe(0)
  })

  test('what somebody wants to hear of packet by packet', async () => {
    const packets: unknown[] = []
    const watch = ({ conn, nsp }: Socket) => {
      conn.on('packetCreate', ({ data }: { data: string }) => packets.push(data))
      nsp.emit('n', 1)
    }
    expect(await counted(watch)).toBe(2)
    expect(packets).toEqual(['2/b,["n",1]', '2/b,["end"]'])
  })

  test('what a client does not take, until it has', async () => {
    const { namespace, port, latest } = await started()
    const slow = await SlowClient.join(port, '/b')
    const socket = latest()
    slow.stop()
    const tcp = tcpOf(socket)
    while (tcp.writableLength === 0) {
      namespace.emit('n', 'x'.repeat(60_000))
      await turn()
    }
    const engine = vi.spyOn(socket.conn, 'send')
    namespace.emit('n', 1)
    namespace.emit('n', 2)
    expect(engine).toHaveBeenCalledTimes(2)
    slow.resume()
    await slow.seen('42/b,["n",2]')
    namespace.emit('n', 3)
    await slow.seen('42/b,["n",3]')
    expect(engine).toHaveBeenCalledTimes(2)
    const small = slow.frames.filter(frame => frame.startsWith('42') && frame.length < 100)
    expect(small).toEqual(['42/b,["n",1]', '42/b,["n",2]', '42/b,["n",3]'])
  })
})

describe('whatever else is sent at the same time, each socket hears all in the order in which it was sent', () => {
  const ways = fc.constantFrom('room', 'all', 'direct', 'large', 'binary', 'other namespace', 'turn', 'wait')

  test('over WebSocket, over long-polling, and after an upgrade', async () => {
    @WsController('/other')
    class OtherController {}
    const { namespace, connect, adapter } = await started({
      controllers: [BroadcastController, OtherController],
    })
    await fc.assert(
      fc.asyncProperty(fc.array(ways, { minLength: 1, maxLength: 60 }), async steps => {
        const clients = await Promise.all(
          [['websocket'], ['polling'], ['polling', 'websocket']].map(async transports => {
            const client = await connect('/b', { transports })
            await next(client.io.socket('/other', {}), 'connect')
            return client
          }),
        )
        const heard = clients.map(client => {
          const list: number[] = []
          const note = (number: number) => list.push(number)
          client.on('n', note)
          client.io.socket('/other', {}).on('n', note)
          return list
        })
        await Promise.all([...namespace.sockets.values()].map(socket => socket.join('room')))
        let number = 0
        for (const step of steps) {
          number++
          if (step === 'room') namespace.to('room').emit('n', number)
          if (step === 'all') namespace.emit('n', number)
          if (step === 'large') namespace.emit('n', number, 'x'.repeat(66_000))
          if (step === 'binary') namespace.emit('n', number, Buffer.from('x'))
          if (step === 'other namespace') adapter.io.of('/other').emit('n', number)
          if (step === 'direct') for (const socket of namespace.sockets.values()) socket.emit('n', number)
          if (step === 'turn') await turn()
          if (step === 'wait') await new Promise(resolve => setTimeout(resolve, 2))
        }
        const ended = Promise.all(clients.map(client => next(client, 'end')))
        namespace.emit('end')
        await ended
        const expected = steps.flatMap((step, at) => (step === 'turn' || step === 'wait' ? [] : [at + 1]))
        for (const list of heard) expect(list).toEqual(expected)
        for (const client of clients) client.io.engine.close()
        await vi.waitFor(() => expect(namespace.sockets.size).toBe(0))
      }),
      { numRuns: 500 },
    )
  })

  test('in the middle of an upgrade', async () => {
    const { namespace, connect, latest } = await started()
    const client = await connect('/b', { transports: ['polling', 'websocket'] })
    const heard = numbers(client)
    const { conn } = latest()
    expect(conn.transport.name).toBe('polling')
    let number = 0
    const sendSome = async () => {
      for (let n = 0; n < 3; n++) namespace.emit('n', ++number)
      latest().emit('n', ++number)
      await turn()
    }
    while (conn.transport.name === 'polling') await sendSome()
    const engine = vi.spyOn(conn, 'send')
    for (let turns = 0; turns < 20; turns++) await sendSome()
    namespace.emit('end')
    await next(client, 'end')
    expect(heard).toEqual(Array.from({ length: number }, (_, n) => n + 1))
    expect(engine.mock.calls.length).toBeLessThan(40)
  })

  test('with the end of the connection in the same turn', async () => {
    const { namespace, connect, latest } = await started()
    for (const end of [
      (socket: Socket) => socket.disconnect(),
      (socket: Socket) => socket.disconnect(true),
      (socket: Socket) => void socket.conn.close(),
      (socket: Socket) => void socket.conn.close(true),
    ]) {
      const client = await connect('/b')
      const heard = numbers(client)
      const gone = next(client, 'disconnect')
      namespace.emit('n', 1)
      namespace.emit('n', 2)
      end(latest())
      namespace.emit('n', 3)
      await gone
      expect(heard).toEqual([1, 2])
    }
  })
})

test('nothing follows the frame that closes', async () => {
  const { namespace, port, latest } = await started()
  const client = await SlowClient.join(port, '/b')
  namespace.emit('n', 1)
  Reflect.get(latest().conn.transport, 'socket').close(1001)
  await turn()
  client.socket.end()
  await client.gone
  expect(client.close?.code).toBe(1001)
  expect(client.frames.filter(frame => frame.startsWith('42'))).toEqual([])
})
