import type { Config } from '../../config.js'
import { postgresTransport } from './postgres-transport.js'
import { redisTransport } from './redis-transport.js'
import type { Transport } from './transport.js'

/**
 * The bus that the settings ask for: over Redis where there is one, else over PostgreSQL. None for the embedded
 * database, which belongs to one process.
 *
 * @param fingerprint the same for all nodes of this server, and for no other server
 */
export function openTransport(
  { databaseUrl, databaseDirectUrl = databaseUrl, redisUrl }: Config,
  fingerprint: string,
): Transport | undefined {
  if (databaseDirectUrl === undefined) return undefined
  return redisUrl === undefined
    ? postgresTransport(databaseDirectUrl)
    : redisTransport(redisUrl, `vibed:${fingerprint}`)
}
