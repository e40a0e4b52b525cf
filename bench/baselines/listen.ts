import type { Server } from 'node:http'

/** Listens where it is told to, and says so in the words that the bench waits for. */
export function listen(server: Server): void {
  server.listen(Number(process.env.PORT), '127.0.0.1', () => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('there is no port')
    process.stdout.write(`It is on http://127.0.0.1:${address.port}\n`)
  })
}
