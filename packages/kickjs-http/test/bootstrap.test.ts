import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { raw, serve } from './harness.js'

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Runs the fixture, which needs the package built, as a process of its own. */
async function run(port = 0) {
  const child = fork(new URL('./bootstrapped.mjs', import.meta.url), [String(port)], {
    silent: true,
    execArgv: [],
  })
  children.push(child)
  const exit = once(child, 'exit').then(([code]) => code)
  const started = once(child, 'message').then(([message]) => message.port)
  return { child, exit, started }
}

describe('a bootstrapped process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('finishes its requests on %s and exits with 0', async signal => {
    const { child, exit, started } = await run()
    const client = raw(await started)
    client.socket.write('GET /api/v1/slow HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(child, 'message')
    child.kill(signal)
    await once(child, 'message')
    child.send('release')
    await client.closed
    expect(client.received()).toContain('"finished"')
    expect(await exit).toBe(0)
  })

  test('exits at once on a second signal', async () => {
    const { child, exit, started } = await run()
    const client = raw(await started)
    client.socket.write('GET /api/v1/slow HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(child, 'message')
    child.kill('SIGTERM')
    await once(child, 'message')
    child.kill('SIGTERM')
    expect(await exit).toBe(1)
    expect(client.received()).toBe('')
  })

  test('that cannot listen fails with the reason', async () => {
    const { port } = await serve([])
    const { child, exit } = await run(port)
    let output = ''
    child.stderr?.on('data', chunk => {
      output += chunk
    })
    expect(await exit).toBe(1)
    expect(output).toContain('EADDRINUSE')
  })
})
