import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { onServerCore } from './cores.js'
import type { MemoryAnswer } from './probe.js'

const probe = new URL('./probe.js', import.meta.url).href

const START_LIMIT_MS = 30_000
/** In which Linux counts the time of processes. */
const TICKS_A_SECOND = 100

/** A server as a process of its own, on the servers' core: Vibed, or one that it is compared with. */
export class Server {
  private errors = ''

  private constructor(
    private readonly child: ChildProcess,
    /** How many statements it has sent; only of a server that was started to be counted. */
    readonly statements: () => number,
  ) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
  }

  origin = ''

  /** Resolves once it says where it listens. */
  static async start(script: string, env: Record<string, string>, statements: () => number): Promise<Server> {
    const [command, args] = onServerCore(['--expose-gc', '--import', probe, script])
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const server = new Server(child, statements)
    server.origin = await server.listening()
    return server
  }

  get pid(): number {
    const { pid } = this.child
    if (pid === undefined) throw new Error('the server does not run')
    return pid
  }

  /** What it has used of its core so far, all threads together. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    // The second field is a name in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
  }

  async memory(): Promise<MemoryAnswer> {
    this.child.send('memory')
    const [answer]: MemoryAnswer[] = await once(this.child, 'message')
    if (!answer) throw new Error('the server does not tell its memory')
    return answer
  }

  /** As a service manager asks for it; resolves once it has ended. */
  async stop(): Promise<void> {
    await this.end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  private async end(signal: NodeJS.Signals) {
    const { child } = this
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }

  private listening(): Promise<string> {
    const { child } = this
    return new Promise((resolve, reject) => {
      let said = ''
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        if (this.origin !== '') return
        said += text
        const url = /is on (http:\S+)/.exec(said)?.[1]
        if (url !== undefined) resolve(url)
      })
      child.once('error', reject)
      child.once('exit', code => reject(new Error(`A server ended with ${code}: ${said}${this.errors}`)))
      setTimeout(() => reject(new Error(`A server does not listen: ${said}`)), START_LIMIT_MS).unref()
    })
  }
}
