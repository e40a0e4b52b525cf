import { randomUUID } from 'node:crypto'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { Lookout } from './lookout.js'

export interface Heard {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  data: any
}

/** A chat client that remembers all it hears. */
export class ChatClient {
  readonly heard: Heard[] = []
  private readonly lookout = new Lookout()

  constructor(readonly socket: Socket) {
    socket.onAny((event, data) => {
      this.heard.push({ event, data })
      this.lookout.look()
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

  /** Answers when all that was emitted to it before has arrived with it. */
  settled() {
    return this.ask('channel:leave', { channelId: randomUUID() })
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
    const missing = () => `${what} was not heard; heard ${this.heard.map(heard => heard.event).join(', ')}`
    return this.lookout.until(find, missing, withinMs)
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
