import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { startNginx } from '../../deploy/nginx.mjs'
import { cloneDatabase } from './database.js'
import { freePort } from './free-port.js'
import { type ServerProcess, startServer, temporaryFolder } from './process.js'

export interface ClusterNode {
  name: string
  server: ServerProcess
  /** The node itself; clients use that of the cluster. */
  origin: string
}

/** Nodes of the built server on one database, and nginx in front: processes that end with the test. */
export async function startCluster(count = 2) {
  const database = await cloneDatabase()
  onTestFinished(database.drop)
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: randomBytes(24).toString('hex'),
    VIBED_DATA_DIR: temporaryFolder(),
    TRUST_PROXY: '1',
    RATE_LIMITS: 'off',
  }
  const names = Array.from({ length: count }, (_, n) => `node${n + 1}`)
  const nodes: ClusterNode[] = await Promise.all(
    names.map(async name => ({ name, ...(await startServer({ ...env, NODE_NAME: name })) })),
  )
  const upstreams = nodes.map(({ name, origin }) => ({ name, address: new URL(origin).host }))
  // Its complaints about nodes that a test kills are no news.
  const nginx = await startNginx(upstreams, await freePort(), () => {})
  onTestFinished(nginx.stop)
  return { origin: nginx.origin, nodes }
}
