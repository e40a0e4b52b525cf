import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Container, Logger } from '@forinda/kickjs-core'
import { WsAdapter, type WsAdapterOptions } from '@forinda/kickjs-ws'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

export type Client = Socket
type ClientOptions = Partial<ManagerOptions & SocketOptions>

Logger.configure({ level: 'silent' })

export const transports = ['websocket', 'polling'] as const

/** A plain HTTP server with the adapter on it, and clients of its own, all closed when the test ends. */
export async function serve(options: WsAdapterOptions, container = new Container(), on = 0) {
  const server: Server = createServer((_request, response) => response.writeHead(404).end())
  const adapter = new WsAdapter(options)
  adapter.beforeStart({ app: undefined, container, server })
  await once(server.listen(on, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const clients: Client[] = []

  const open = (namespace = '/', clientOptions: ClientOptions = {}): Client => {
    const client = io(origin + namespace, {
      path: options.path ?? '/ws',
      forceNew: true,
      reconnection: false,
      transports: ['websocket'],
      ...clientOptions,
    })
    clients.push(client)
    return client
  }
  onTestFinished(async () => {
    for (const client of clients) client.disconnect()
    await adapter.shutdown()
    server.closeAllConnections()
    if (server.listening) await once(server.close(), 'close')
  })
  return {
    adapter,
    server,
    origin,
    port,
    open,
    /** A client that has connected. */
    async connect(namespace = '/', clientOptions: ClientOptions = {}): Promise<Client> {
      const client = open(namespace, clientOptions)
      await next(client, 'connect')
      return client
    },
  }
}

/** The payload of the next event of that name. */
export function next(client: Client, event: string): Promise<unknown> {
  return new Promise(resolve => client.once(event, resolve))
}

/** Everything the client hears from now on, as `[event, payload]`. */
export function heard(client: Client): [string, unknown][] {
  const events: [string, unknown][] = []
  client.onAny((event: string, payload: unknown) => events.push([event, payload]))
  return events
}

/** A WebSocket on which any text can be sent: Engine.IO packets such as `42/chat,["event"]`. */
export async function raw(port: number) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/?EIO=4&transport=websocket`)
  const frames: string[] = []
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  socket.on('message', frame => {
    frames.push(String(frame))
    if (String(frame) === '2') socket.send('3')
  })
  await once(socket, 'message')
  onTestFinished(() => socket.terminate())
  return {
    socket,
    frames,
    /** The close code. */
    closed,
    send: (frame: string | Buffer) => socket.send(frame),
    /** The next frame that starts like this. */
    next: (start: string) =>
      new Promise<string>(resolve => {
        const listen = (frame: unknown) => {
          if (!String(frame).startsWith(start)) return
          socket.off('message', listen)
          resolve(String(frame))
        }
        socket.on('message', listen)
      }),
  }
}
