import { readFileSync } from 'node:fs'

const ESTABLISHED = '01'

/**
 * Whether the server still has its end of a connection open. A client that does not read cannot see that
 * it was closed, as what was sent before comes first: the kernel knows.
 */
export function isServerEndOpen(serverPort: number, clientPort: number): boolean {
  const [, ...lines] = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  return lines.some(line => {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/)
    return portOf(local) === serverPort && portOf(remote) === clientPort && state === ESTABLISHED
  })
}

/** `0100007F:1F90` is port 8080. */
function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}
