import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.js'

/** A Redis of one's own that keeps nothing. */
export async function startRedis() {
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const [failed] = await Promise.race([once(child, 'error'), listening(child.stdout)])
  if (failed instanceof Error)
    throw new Error(`redis-server does not start (apt-get install redis-server): ${failed.message}`)
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function listening(output: NodeJS.ReadableStream): Promise<[]> {
  for await (const line of createInterface(output)) if (line.includes('Ready to accept connections')) break
  output.resume()
  return []
}
