import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { register } from '../support/api.js'
import { type Ending, refusedStart, ServerProcess, startServer, temporaryFolder } from '../support/process.js'

const nonce = '0199a1b2-0000-7000-8000-000000000000'

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const server = new ServerProcess({ PORT: 'nonsense' })
  const { pid } = server
  await server.ended
  return pid
}

function expectRefusalNaming(pid: number, { code, stdout, stderr }: Ending) {
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stderr).toContain(`is in use by process ${pid}:`)
  expect(stderr).toContain('VIBED_DATA_DIR')
}

describe('the lock of a data folder', () => {
  test('a second server on the folder is refused with the pid of the first, which lives on', async () => {
    const folder = temporaryFolder()
    const { server, origin } = await startServer({ VIBED_DATA_DIR: folder })
    expectRefusalNaming(server.pid, await refusedStart({ VIBED_DATA_DIR: folder }))
    await register(origin, 'Ann')
  })

  test('the folder of a server that was killed is taken over', async () => {
    const folder = temporaryFolder()
    const first = await startServer({ VIBED_DATA_DIR: folder })
    await first.server.kill()
    const second = await startServer({ VIBED_DATA_DIR: folder })
    expectRefusalNaming(second.server.pid, await refusedStart({ VIBED_DATA_DIR: folder }))
  })

  test('a lock that no process holds is taken over, whatever is in it', { timeout: 90_000 }, async () => {
    const folder = temporaryFolder()
    const locks = {
      'of a process that is gone': JSON.stringify({ pid: await deadPid(), started: '1', nonce }),
      'of an earlier process with a pid that is in use again': JSON.stringify({
        pid: process.pid,
        started: '1',
        nonce,
      }),
      'cut short': '{"pid":12',
      noise: '\u0000\ufffd not a lock',
      empty: '',
    }
    for (const [what, contents] of Object.entries(locks)) {
      writeFileSync(join(folder, 'lock'), contents)
      const { server, origin } = await startServer({ VIBED_DATA_DIR: folder })
      await register(origin, 'Ann')
      const lock = JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'))
      expect(lock.pid, what).toBe(server.pid)
      await server.kill()
    }
  })

  test('of several servers that race for a stale lock exactly one gets it', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: await deadPid(), started: '1', nonce }))
    const racers = [1, 2, 3].map(() => new ServerProcess({ PORT: '0', VIBED_DATA_DIR: folder }))
    const results = await Promise.all(
      racers.map(async racer => {
        const origin = await racer.origin().catch(() => undefined)
        return { racer, origin }
      }),
    )
    const winners = results.filter(({ origin }) => origin !== undefined)
    expect(winners).toHaveLength(1)
    const pid = winners[0]?.racer.pid ?? 0
    for (const { racer, origin } of results) if (!origin) expectRefusalNaming(pid, await racer.ended)
  })
})
