import { connect, type Socket } from 'node:net'
import { type Class, Container, Logger } from '@forinda/kickjs-core'
import { Application, type ApplicationOptions } from '@forinda/kickjs-http'
import { afterEach } from 'vitest'

export const logged: string[] = []
Logger.configure({ level: 'debug' }, { write: line => logged.push(line) })

const running: Application[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(running.splice(0).map(app => app.shutdown()))
  logged.splice(0)
})

/** An application on a free port with one module, whose controllers are mounted at `/api/v1`. */
export async function serve(controllers: Class[], options: Partial<ApplicationOptions> = {}) {
  const module = { routes: () => controllers.map(controller => ({ path: '/', controller })) }
  return serveModules({ modules: [module], ...options })
}

export async function serveModules(options: ApplicationOptions) {
  const app = new Application({ port: 0, container: new Container(), shutdownTimeoutMs: 500, ...options })
  running.push(app)
  const { port } = await app.start()
  const url = `http://127.0.0.1:${port}/api/v1`
  return { app, port, url, at: (path: string, init?: RequestInit) => fetch(`${url}${path}`, init) }
}

export function json(method: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** A connection to write raw HTTP on. `seen(text)` resolves once all of the text has come back. */
export function raw(port: number) {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let received = ''
  socket.on('data', chunk => {
    received += chunk
  })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const seen = async (text: string) => {
    while (!received.includes(text)) {
      await new Promise<void>((resolve, reject) => {
        socket.once('data', () => resolve())
        socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(received)}`)))
      })
    }
    return received
  }
  return { socket, seen, closed, received: () => received }
}

/** Resolves once `check` holds, looked at after each turn of the event loop. */
export async function until(check: () => boolean) {
  while (!check()) await new Promise(resolve => setImmediate(resolve))
}
