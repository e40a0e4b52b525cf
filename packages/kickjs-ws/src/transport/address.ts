import type { Socket } from 'socket.io'

type Connection = Socket['conn']

const addresses = new WeakMap<Connection, string>()

/**
 * Notes where a connection comes from: the peer, or what the last of `hops` proxies says of whom it
 * serves. Express reads `X-Forwarded-For` alike for a number as `trust proxy`.
 */
export function noteAddress(connection: Connection, hops: number): void {
  const { remoteAddress, request } = connection
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',')
  const before = forwarded
    .split(',')
    .map(address => address.trim())
    .filter(Boolean)
  const way = [...before, remoteAddress].reverse()
  const address = way[Math.min(hops, way.length - 1)] ?? remoteAddress
  if (address !== remoteAddress) addresses.set(connection, address)
}

/** The address of the client, as `trustProxy` says. Only of sockets of this process. */
export function addressOf({ conn }: Pick<Socket, 'conn'>): string {
  return addresses.get(conn) ?? conn.remoteAddress
}
