import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Longer than any start or stop may take, in milliseconds. */
const PATIENCE_MS = 30_000

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** The built server as a process of its own, with no environment but the one given. It ends with the test. */
export class ServerProcess {
  stdout = ''
  stderr = ''
  readonly ended: Promise<Ending>
  private readonly child: ChildProcess

  constructor(env: Record<string, string>, cwd = tmpdir()) {
    if (!existsSync(main)) throw new Error(`${main} is missing: run npm run build`)
    this.child = spawn(process.execPath, [main], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', text => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', text => {
      this.stderr += text
    })
    this.ended = new Promise(resolve => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
    onTestFinished(async () => {
      this.signal('SIGKILL')
      await this.ended
    })
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('The process did not start')
    return this.child.pid
  }

  /** Where it listens, as it says itself. Rejects with all its output when it ends instead. */
  origin(): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const url = /"url":"(http:[^"]+)"/.exec(this.stdout)?.[1]
        if (url !== undefined) resolve(url)
      }
      this.child.stdout?.on('data', look)
      look()
      const ended = ({ code, stdout, stderr }: Ending) =>
        reject(new Error(`The server ended with ${code}: ${stdout}${stderr}`))
      void this.ended.then(ended)
      setTimeout(() => reject(new Error(`The server does not listen: ${this.stdout}`)), PATIENCE_MS).unref()
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }
}

/** Starts a server on any free port; resolves once it listens. */
export async function startServer(env: Record<string, string>) {
  const server = new ServerProcess({ PORT: '0', ...env })
  return { server, origin: await server.origin() }
}

/** The ending of a server that is expected to refuse to start. */
export function refusedStart(env: Record<string, string>): Promise<Ending> {
  const server = new ServerProcess({ PORT: '0', ...env })
  const tooLong = setTimeout(() => server.signal('SIGKILL'), PATIENCE_MS)
  return server.ended.finally(() => clearTimeout(tooLong))
}

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vibed-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
