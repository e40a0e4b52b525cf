import { connect, type Socket } from 'node:net'
import { obey } from '../lab/load.js'
import { type Spread, spread } from '../lab/quantiles.js'

/** One request, as it goes out again and again. */
export interface HttpRequest {
  method: 'GET' | 'POST'
  path: string
  token?: string
  body?: string
}

/** What is to be asked: the requests in turns, over so many connections, for so long. */
export interface HttpPlan {
  origin: string
  connections: number
  milliseconds: number
  requests: readonly HttpRequest[]
}

export interface HttpOutcome extends Spread {
  perSecond: number
  /** How much of its core the generator used; near 1 it is what was measured. */
  busy: number
}

export interface HttpOrders {
  /** @throws for any answer that is no success */
  run(plan: HttpPlan): Promise<HttpOutcome>
}

/**
 * HTTP as cheap as a client can be: requests are bytes that are made once, and of an answer only its status and its
 * length are looked at. A library's client costs more than the servers that are to be measured.
 */
obey<HttpOrders>({
  async run({ origin, connections, milliseconds, requests }) {
    const { hostname, port, host } = new URL(origin)
    const texts = requests.map(request => Buffer.from(textOf(request, host)))
    const times: number[] = []
    const [begun, before] = [performance.now(), process.cpuUsage()]
    const isOver = () => performance.now() - begun >= milliseconds
    let turn = 0
    const next = () => {
      turn += 1
      return texts[turn % texts.length] ?? Buffer.alloc(0)
    }
    const work = Array.from({ length: connections }, () =>
      ask(connect({ host: hostname, port: Number(port), noDelay: true }), next, isOver, times),
    )
    await Promise.all(work)
    const seconds = (performance.now() - begun) / 1_000
    const { user, system } = process.cpuUsage(before)
    return { ...spread(times), perSecond: times.length / seconds, busy: (user + system) / 1e6 / seconds }
  },
})

function textOf({ method, path, token, body }: HttpRequest, host: string): string {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`]
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`)
  if (body !== undefined)
    lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** Asks one thing after another until it is over. */
function ask(socket: Socket, next: () => Buffer, isOver: () => boolean, times: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = 0
    const go = () => {
      asked = performance.now()
      socket.write(next())
    }
    const answers = new Answers(() => {
      times.push(performance.now() - asked)
      if (!isOver()) return go()
      socket.destroy()
      resolve()
    })
    socket.on('connect', go)
    socket.on('data', chunk => {
      try {
        answers.read(chunk)
      } catch (error) {
        socket.destroy()
        reject(error)
      }
    })
    socket.on('error', reject)
    socket.on('end', () => reject(new Error('the server has closed a connection')))
  })
}

const HEAD_END = '\r\n\r\n'

/** Finds the ends of answers in what comes over a connection. */
class Answers {
  private head = ''
  private missing = 0

  constructor(private readonly answered: () => void) {}

  /** There is one answer at a time, as there is one request. */
  read(chunk: Buffer): void {
    if (this.missing > 0) {
      this.skip(chunk.length)
      return
    }
    this.head += chunk.toString('latin1')
    const end = this.head.indexOf(HEAD_END)
    if (end === -1) return
    const { head } = this
    this.head = ''
    if (!head.startsWith('HTTP/1.1 20')) throw new Error(head)
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head.slice(0, end + 2))?.[1]
    if (length === undefined) throw new Error(`An answer without a length: ${head}`)
    this.missing = Number(length)
    this.skip(head.length - end - HEAD_END.length)
  }

  private skip(bytes: number) {
    this.missing -= bytes
    if (this.missing === 0) this.answered()
  }
}
