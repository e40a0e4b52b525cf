import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodesConf, startNginx } from '../../deploy/nginx.mjs'
import { freePort } from '../support/free-port.js'

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

interface Visit {
  node: string
  method: string | undefined
  url: string | undefined
  headers: IncomingHttpHeaders
}

let visits: Visit[]
let nodes: Server[]
let log: string
let nginx: Awaited<ReturnType<typeof startNginx>>

/** Stands in for a node: tells its name; breaks off what it is asked to die of, the first time; refuses as it leaves. */
async function startNode(name: string) {
  const server = createServer(({ method, url, headers, socket }, response) => {
    const isFirst = !visits.some(visit => visit.url === url)
    visits.push({ node: name, method, url, headers })
    if (url === '/die' && isFirst) socket.destroy()
    else response.writeHead(url?.endsWith(`leaving=${name}`) ? 403 : 200).end(name)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  nodes.push(server)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The node has no port')
  return { name, address: `127.0.0.1:${address.port}` }
}

async function end(node: Server | undefined) {
  node?.close()
  node?.closeAllConnections()
}

beforeEach(async () => {
  visits = []
  nodes = []
  log = ''
  const upstreams = [await startNode('node1'), await startNode('node2')]
  nginx = await startNginx(upstreams, await freePort(), text => {
    log += text
  })
})
afterEach(async () => {
  await nginx.stop()
  for (const node of nodes) await end(node)
})

async function ask(path: string, method = 'GET', headers: Record<string, string> = {}) {
  // Of `fetch` one cannot have paths as they are written here.
  const asked = request(nginx.origin, { path, method, headers }).end()
  const [response] = await once(asked, 'response')
  const text = Buffer.concat(await response.toArray()).toString()
  return response.statusCode === 200 ? text : Number(response.statusCode)
}

async function askOften(path: string, method?: string, times = 10) {
  const answers = []
  for (let n = 0; n < times; n++) answers.push(await ask(path, method))
  return [...new Set(answers)].sort()
}

describe('the way in', () => {
  test('spreads what belongs to no session over the nodes, whatever session ids are made up', async () => {
    for (const query of [
      '',
      '?sid=',
      '?sid=node1',
      '?sid=node9.x',
      '?sid=.x',
      '?sid=xnode1.x',
      '?sid=NODE1.x',
    ])
      expect(await askOften(`/ws/${query}`), query).toEqual(['node1', 'node2'])
    expect(await askOften('/api/v1/users/me?sid=node1.x')).toEqual(['node1', 'node2'])
  })

  test('takes what belongs to a session to its node, and to another one when that is gone', async () => {
    const path = '/ws/?EIO=4&transport=polling&sid=node1.AAAB'
    expect(await askOften(path)).toEqual(['node1'])
    expect(await askOften(path, 'POST')).toEqual(['node1'])
    expect(await askOften('/ws/?sid=node2.AAAB')).toEqual(['node2'])
    await end(nodes[0])
    expect(await askOften(path)).toEqual(['node2'])
    expect(await askOften(path, 'POST')).toEqual(['node2'])
  })

  test('asks another node where one cannot be reached, whatever the method', async () => {
    await end(nodes[1])
    for (const method of ['GET', 'POST', 'PATCH', 'DELETE'])
      expect(await askOften('/api/v1/tasks', method)).toEqual(['node1'])
  })

  test('asks another node for a session that one refuses since it is leaving', async () => {
    expect(await askOften('/ws/?leaving=node1')).toEqual(['node2'])
    expect(await askOften('/api/v1/tasks?leaving=node1')).toEqual([403, 'node2'])
  })

  test.each(['POST', 'PATCH'])('never repeats a %s that a node may have carried out', async method => {
    expect(await ask('/die', method)).toBe(502)
    expect(visits).toHaveLength(1)
  })

  test('repeats a GET whose node died over it', async () => {
    expect(await ask('/die')).toMatch(/^node[12]$/)
    expect(new Set(visits.map(({ node }) => node))).toEqual(new Set(['node1', 'node2']))
  })

  test('is closed to metrics and administration, however they are spelt', async () => {
    for (const path of [
      '/metrics',
      '/metrics/',
      '/METRICS',
      '/%6detrics?x=1',
      '/x/../metrics',
      '//metrics',
      '/api/v1/admin',
      '/api/v1/admin/connections',
      '/API/v1/Admin/connections/live',
    ])
      expect(await ask(path), path).toBe(403)
    expect(await ask('/metricsystem')).toMatch(/node/)
    expect(await ask('/api/v1/administrators')).toMatch(/node/)
    expect(visits).toHaveLength(2)
  })

  test('tells the node who asks, and by which name', async () => {
    const { host } = new URL(nginx.origin)
    await ask('/x', 'GET', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' })
    expect(visits[0]?.headers).toMatchObject({
      host,
      'x-forwarded-for': '192.0.2.1, 127.0.0.1',
      'x-forwarded-proto': 'http',
    })
  })

  test('logs that a node is away, but no session ids and no tickets', async () => {
    for (const node of nodes) await end(node)
    const paths = [
      '/x',
      '/ws/?sid=node1.secret',
      '/ws/?sid=secret',
      '/api/v1/workspaces/1/stats/live?ticket=secret',
    ]
    for (const path of [...paths, '/api/v1/stats/workspace/1/stream?ticket=secret'])
      expect(await ask(path)).toBe(502)
    await nginx.stop()
    expect(log).toMatch(/connect\(\) failed .* "GET \/x HTTP/)
    expect(log).not.toContain('secret')
  })
})

describe('what docker compose starts', () => {
  const compose = textOf('docker-compose.yml')
  const names = [...compose.matchAll(/NODE_NAME: (\S+)/g)].map(([, name = '']) => name)

  test('has the nodes that its nginx knows', () => {
    expect(names).toEqual(['vibed-1', 'vibed-2'])
    for (const name of names) expect(compose).toMatch(new RegExp(`^  ${name}:$`, 'm'))
    const upstreams = names.map(name => ({ name, address: `${name}:3000` }))
    expect(textOf('deploy/nginx/nodes.conf')).toBe(nodesConf(upstreams))
  })
})
