import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

export interface Heard {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  data: any
}

/** A chat client that remembers all it hears. */
export class ChatClient {
  readonly heard: Heard[] = []
  private readonly waiting = new Set<() => void>()

  constructor(readonly socket: Socket) {
    socket.onAny((event, data) => {
      this.heard.push({ event, data })
      for (const look of [...this.waiting]) look()
    })
  }

  /** The answer to an event, as the ack gives it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into acks of every shape
  ask(event: string, data?: unknown): Promise<any> {
    return this.socket.timeout(10_000).emitWithAck(event, data)
  }

  /** The data of the answer; throws where it is an error. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async data(event: string, data?: unknown): Promise<any> {
    const answer = await this.ask(event, data)
    if (!answer.ok) throw new Error(`${event}: ${JSON.stringify(answer.error)}`)
    return answer.data
  }

  /** The data of all events of a name so far. */
  all(event: string) {
    return this.heard.filter(heard => heard.event === event).map(heard => heard.data)
  }

  /** The first event of a name that fits, heard already or to come. */
  async next(event: string, fits: (data: Heard['data']) => boolean = () => true): Promise<Heard['data']> {
    return this.until(() => this.heard.find(heard => heard.event === event && fits(heard.data))?.data, event)
  }

  /** Waits until something can be found in what was heard. */
  until<T>(find: () => T | undefined, what = 'an event', withinMs = 15_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find()
        if (found === undefined) return
        clearTimeout(timer)
        this.waiting.delete(look)
        resolve(found)
      }
      const timer = setTimeout(() => {
        this.waiting.delete(look)
        reject(new Error(`${what} was not heard; heard ${this.heard.map(heard => heard.event).join(', ')}`))
      }, withinMs)
      this.waiting.add(look)
      look()
    })
  }

  close() {
    this.socket.disconnect()
  }
}

/** Connects to the chat as the articles do; resolves once welcomed, or refused. */
export async function connectChat(
  origin: string,
  token?: string,
  options: Partial<ManagerOptions & SocketOptions> = {},
) {
  const socket = io(`${origin}/chat`, {
    path: '/ws',
    auth: token === undefined ? {} : { token },
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    ...options,
  })
  const client = new ChatClient(socket)
  await client.until(
    () => client.heard.find(({ event }) => event === 'welcome' || event === 'error'),
    'welcome',
  )
  return client
}
