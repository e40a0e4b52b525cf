import { createServer, connect as dial, type Socket } from 'node:net'

/** A way through to a TCP server that can be cut and closed at will. */
export async function tcpProxy(host: string, port: number) {
  const pairs = new Set<Socket>()
  let isOpen = true
  const server = createServer(client => {
    if (!isOpen) return client.destroy()
    const target = dial(port, host)
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      pairs.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  /** Ends what goes through now. */
  const cut = () => {
    for (const socket of pairs) socket.destroy()
  }
  return {
    port: address.port,
    cut,
    shut: () => {
      isOpen = false
      cut()
    },
    open: () => {
      isOpen = true
    },
    close: () => {
      cut()
      server.close()
    },
  }
}
