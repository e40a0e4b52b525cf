import { OnMessage, type WsContext, WsController } from '@forinda/kickjs-ws'
import { Decoder } from 'socket.io-parser'
import { describe, expect, test } from 'vitest'
import { LimitedDecoder, TOO_LARGE } from '../src/transport/large-frames.js'
import { next, raw, serve, transports } from './harness.js'

const MAX = 10_000
const tooLarge = { ok: false, error: { code: 'PAYLOAD_TOO_LARGE', message: expect.any(String) } }

@WsController('/large')
class LargeController {
  @OnMessage('size')
  size(ctx: WsContext) {
    return ctx.data.length
  }
}

const options = { controllers: [LargeController], maxPayload: MAX }

describe.each(transports)('over %s', transport => {
  const over = { transports: [transport] }

  test('an event of up to maxPayload bytes is handled, up to four times that is answered', async () => {
    const client = await (await serve(options)).connect('/large', over)
    const around = '2/large,0["size",""]'.length
    expect(await client.emitWithAck('size', 'x'.repeat(MAX - around))).toEqual({
      ok: true,
      data: MAX - around,
    })
    expect(await client.emitWithAck('size', 'x'.repeat(MAX - around + 1))).toEqual(tooLarge)
    expect(await client.emitWithAck('size', 'x'.repeat(4 * MAX - around - 10))).toEqual(tooLarge)
    expect(await client.emitWithAck('size', 'small')).toEqual({ ok: true, data: 5 })
  })

  test('bytes are counted, not characters', async () => {
    const client = await (await serve(options)).connect('/large', over)
    expect(await client.emitWithAck('size', '€'.repeat(MAX / 4))).toEqual({ ok: true, data: MAX / 4 })
    expect(await client.emitWithAck('size', '€'.repeat(MAX / 3))).toEqual(tooLarge)
  })

  test('binary attachments count, one by one and together', async () => {
    const client = await (await serve(options)).connect('/large', over)
    const half = Buffer.alloc(MAX / 2)
    expect(await client.emitWithAck('size', [half])).toEqual({ ok: true, data: 1 })
    expect(await client.emitWithAck('size', [half, half])).toEqual(tooLarge)
    expect(await client.emitWithAck('size', Buffer.alloc(MAX + 1))).toEqual(tooLarge)
    expect(await client.emitWithAck('size', [{ text: 'x'.repeat(MAX), half }])).toEqual(tooLarge)
    expect(await client.emitWithAck('size', [half])).toEqual({ ok: true, data: 1 })
  })

  test('without an ack the answer is event error', async () => {
    const client = await (await serve(options)).connect('/large', over)
    client.emit('size', 'x'.repeat(MAX))
    expect(await next(client, 'error')).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  test('a frame beyond four times the limit ends that connection and no other', async () => {
    const { connect } = await serve(options)
    const [client, other] = [await connect('/large', over), await connect('/large', over)]
    const gone = next(client, 'disconnect')
    client.emit('size', 'x'.repeat(4 * MAX + 1))
    expect(await gone).toMatch(/transport (close|error)/)
    expect(await other.emitWithAck('size', 'abc')).toEqual({ ok: true, data: 3 })
  })
})

test('a WebSocket with such a frame is closed with code 1009, a poll answered 413', async () => {
  const { port, origin } = await serve(options)
  const client = await raw(port)
  client.send(`42/large,["size","${'x'.repeat(4 * MAX)}"]`)
  expect(await client.closed).toBe(1009)

  const url = `${origin}/ws/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
  const response = await fetch(`${url}&sid=${sid}`, { method: 'POST', body: `4${'x'.repeat(4 * MAX)}` })
  expect(response.status).toBe(413)
})

test('what is too large and not an event ends the connection', async () => {
  const { port } = await serve(options)
  const large = 'x'.repeat(MAX)
  for (const frame of [
    `40/large,{"a":"${large}"}`,
    `43/large,1["${large}"]`,
    `42${large}`,
    `41${large}`,
    large,
  ]) {
    const client = await raw(port)
    client.send('40/large,')
    await client.next('40/large,')
    client.send(frame)
    expect(await client.closed).toBe(1005)
  }
})

describe('the decoder', () => {
  const decode = (...chunks: unknown[]) => {
    const decoder = new LimitedDecoder(100)
    const packets: unknown[] = []
    decoder.on('decoded', packet => packets.push(packet))
    for (const chunk of chunks) decoder.add(chunk)
    decoder.destroy()
    return packets
  }

  test('never parses what is too large', () => {
    expect(decode(`2/chat,17["event",{"not": json ${'!'.repeat(100)}`)).toEqual([
      { type: 2, nsp: '/chat', id: 17, data: [TOO_LARGE] },
    ])
    expect(decode(`2${'['.repeat(1_000_000)}`)).toEqual([{ type: 2, nsp: '/', data: [TOO_LARGE] }])
  })

  test('starts afresh with each packet', () => {
    const small = '2["event",1]'
    const packets = decode(small, `2["event","${'x'.repeat(100)}"]`, small)
    expect(packets.map(packet => Object(packet).data)).toEqual([['event', 1], [TOO_LARGE], ['event', 1]])
  })

  test('takes attachments and gives back nothing of them when they are too large', () => {
    const header = '52-["event",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    const packet = { type: 2, nsp: '/' }
    const [a, b] = [Buffer.alloc(1), Buffer.alloc(200)]
    expect(decode(header, a, a)).toMatchObject([{ data: ['event', a, a] }])
    expect(decode(header, b, a)).toMatchObject([{ ...packet, data: [TOO_LARGE] }])
    expect(decode(header, a)).toEqual([])
  })

  test('refuses what the standard one refuses', () => {
    for (const chunk of [
      '9',
      '2{}',
      '2["disconnect"]',
      undefined,
      null,
      5,
      Buffer.alloc(1),
      '5-[]',
      '511-["a"]',
    ]) {
      expect(() => decode(chunk)).toThrow()
      expect(() => new Decoder().add(chunk)).toThrow()
    }
  })
})
