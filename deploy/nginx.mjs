import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A node as nginx sees it: its NODE_NAME and `host:port`.
 * @typedef {{ name: string, address: string }} Upstream
 */

/** Shorter than nodes keep a connection that is not used: what is sent as they close it would be lost. */
const KEPT = ['keepalive 64;', 'keepalive_timeout 4s;']

/**
 * The text of nodes.conf: any node for what belongs to none; for a session its own one, and the others when
 * that is gone.
 * @param {readonly Upstream[]} nodes
 */
export function nodesConf(nodes) {
  const any = nodes.map(({ address }) => `server ${address} fail_timeout=5s;`)
  const own = nodes.map(node => {
    const others = nodes.filter(other => other !== node).map(({ address }) => `server ${address} backup;`)
    return block(`upstream at-${node.name}`, `server ${node.address} max_fails=0;`, ...others, ...KEPT)
  })
  const sessions = nodes.map(({ name }) => `~^${name}\\. at-${name};`)
  return [
    '# The nodes, by NODE_NAME and address: those of docker-compose.yml, or as deploy/cluster.mjs writes it.',
    block('upstream any', 'zone any 64k;', 'least_conn;', ...any, ...KEPT),
    ...own,
    block('map $arg_sid $session_node', 'default any;', ...sessions),
    '',
  ].join('\n\n')
}

/** @param {string} head @param {string[]} lines */
function block(head, ...lines) {
  return `${head} {\n${lines.map(line => `  ${line}\n`).join('')}}`
}

/**
 * Starts nginx in front of nodes, as any user, with all its files in a temporary folder.
 * @param {readonly Upstream[]} nodes
 * @param {number} port
 * @param {(text: string) => void} log is told what nginx complains of
 */
export async function startNginx(nodes, port, log) {
  const folder = mkdtempSync(join(tmpdir(), 'vibed-nginx-'))
  // Started by root, its workers run under another account.
  chmodSync(folder, 0o755)
  const conf = readFileSync(new URL('nginx/nginx.conf', import.meta.url), 'utf8')
  writeFileSync(join(folder, 'nginx.conf'), conf.replace('listen 8080;', `listen 127.0.0.1:${port};`))
  writeFileSync(join(folder, 'nodes.conf'), nodesConf(nodes))
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;']
  // Where it is installed is not on everybody's path. It hears of a Ctrl+C from whoever started it.
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }
  const child = spawn('nginx', args, { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  child.stderr.setEncoding('utf8').on('data', log)
  let ending = ''
  const ended = once(child, 'exit').then(
    ([code]) => {
      ending = `nginx ended with ${code}`
    },
    ({ code, message }) => {
      ending = code === 'ENOENT' ? 'nginx is not installed: apt-get install nginx' : message
    },
  )
  const stop = async () => {
    child.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  // Written once it listens.
  while (!existsSync(join(folder, 'nginx.pid'))) {
    if (ending) {
      await stop()
      throw new Error(ending)
    }
    await delay(20)
  }
  return { origin: `http://127.0.0.1:${port}`, stop }
}
